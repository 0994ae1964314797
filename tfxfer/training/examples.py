"""Examples: what a phase iterates over, arrays or a caller's tf.data, shared out among replicas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.features.fingerprints import Images
from tfxfer.network.workers import several_workers
from tfxfer.training.augmented import Arrays, Augmentation
from tfxfer.training.determinism import seed_words
from tfxfer.training.order import balanced_order
from tfxfer.training.workers import require_same


class Batch(NamedTuple):
    """Some examples; each part a tensor, or one per replica."""

    inputs: Any
    labels: Any
    weights: Any  # or None
    size: int  # of all replicas together, other workers' included


class Examples(Protocol):
    """One split. `prepared`: its inputs are features already, and not yet to be passed through the prefix."""

    @property
    def prepared(self) -> bool: ...
    @property
    def steps(self) -> int | None: ...
    @property
    def count(self) -> int | None: ...
    @property
    def labels(self) -> tf.TensorSpec: ...
    def batches(self, epoch: int) -> Iterator[Batch]: ...


@dataclass(frozen=True, slots=True, eq=False)
class ArrayExamples:
    """Arrays, in memory or memory-mapped; with a seed they come in another order every epoch."""

    inputs: Images  # (M, ...)
    targets: np.ndarray  # (N,) or (N, ...)
    weights: np.ndarray | None  # (N,) float32
    batch_size: int  # of all replicas together
    prepared: bool
    seed: int | None = None  # None: as they lie
    rows: np.ndarray | None = None  # (N,) the row of `inputs` for each target; None: the same order
    balanced: bool = False  # whether every class comes equally often, see Imbalance; needs a seed
    augmentation: Augmentation | None = None  # of inputs that are images
    views: int = 1  # of each image, one after the other in `inputs`; each epoch takes one of every image
    view_seed: int = 0

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last one perhaps smaller."""
        return -(-len(self.targets) // self.batch_size)

    @property
    def count(self) -> int | None:
        """Examples in an epoch."""
        return len(self.targets)

    @property
    def labels(self) -> tf.TensorSpec:
        """Shape and dtype of a batch's labels."""
        return tf.TensorSpec((None, *self.targets.shape[1:]), self.targets.dtype)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch."""
        order, places = self.order(epoch), self.places(epoch)
        starts = range(0, len(order), self.batch_size)
        chosen = (order[start : start + self.batch_size] for start in starts)
        if self.augmentation is None:
            for rows in chosen:
                yield self._batch(places[rows], rows)
            return
        arrays = ((self.inputs[places[rows]], self.targets[rows], self._weights(rows)) for rows in chosen)
        for batch in self.augmentation.batches(arrays, epoch):
            yield _whole(batch)

    def every_view(self) -> ArrayExamples:
        """All views of all images as examples of their own."""
        if self.views == 1:
            return self
        count = len(self.inputs) // self.views
        rows = np.concatenate([self._own_rows() + view * count for view in range(self.views)])
        targets = np.concatenate([self.targets] * self.views)
        weights = None if self.weights is None else np.concatenate([self.weights] * self.views)
        return replace(self, targets=targets, weights=weights, rows=rows, views=1)

    def order(self, epoch: int) -> np.ndarray:
        """The rows of an epoch's examples, first to last."""
        if self.seed is None:
            return np.arange(len(self.targets))
        random = np.random.default_rng(seed_words(self.seed, "order", epoch))
        return (
            balanced_order(self.targets, random) if self.balanced else random.permutation(len(self.targets))
        )

    def _own_rows(self) -> np.ndarray:
        return np.arange(len(self.targets)) if self.rows is None else self.rows

    def places(self, epoch: int) -> np.ndarray:
        """(N,) the row of `inputs` for each target; over `views` epochs each view of an image comes once."""
        rows = self._own_rows()
        if self.views == 1:
            return rows
        first = np.random.default_rng(seed_words(self.view_seed, "view")).integers(self.views, size=len(rows))
        return rows + (first + epoch) % self.views * (len(self.inputs) // self.views)

    def _weights(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.weights is None else self.weights[rows]

    def _batch(self, places: np.ndarray, rows: np.ndarray) -> Batch:
        weights = None if self.weights is None else _shared(self.weights, rows)
        return Batch(_shared(self.inputs, places), _shared(self.targets, rows), weights, len(rows))


@dataclass(frozen=True, slots=True, eq=False)
class StreamExamples:
    """A caller's tf.data.Dataset of (x, y) or (x, y, weight) batches, in its own order.

    Of several workers each goes through all of it and takes its share of every batch, so all must see the same order.
    """

    dataset: tf.data.Dataset
    prepared: bool = False
    augmentation: Augmentation | None = None

    @property
    def steps(self) -> int | None:
        """Batches in an epoch, or None where the data set does not know."""
        count = int(self.dataset.cardinality())
        return count if count >= 0 else None

    @property
    def count(self) -> int | None:
        """Not known: batches may differ in size."""
        return None

    @property
    def labels(self) -> tf.TensorSpec:
        """Shape and dtype of a batch's labels."""
        return self.dataset.element_spec[1]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of one pass through the data set."""
        if several_workers() or self.augmentation is not None:
            yield from self._own_shares(epoch)
            return
        strategy = tf.distribute.get_strategy()
        shared = self.dataset
        if strategy.num_replicas_in_sync > 1:
            shared = strategy.experimental_distribute_dataset(self.dataset)
        for element in shared:
            parts = strategy.experimental_local_results(element[1])
            yield _batch(element, sum(int(part.shape[0]) for part in parts))

    def _own_shares(self, epoch: int) -> Iterator[Batch]:
        batches: Iterator[Arrays] = (
            element if len(element) == 3 else (*element, None) for element in self.dataset.as_numpy_iterator()
        )
        if self.augmentation is not None:
            batches = self.augmentation.batches(batches, epoch)
        for number, arrays in enumerate(batches):
            if number == 0:
                require_same("first batch of the data set", arrays[1])
            yield _whole(arrays)


def check_dataset(dataset: tf.data.Dataset, role: str) -> None:
    """Refuse what cannot be trained on.

    Raises:
        TrainingError: the elements are not (x, y) or (x, y, weight), or there is no end to them.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise TrainingError(
            f"the {role} data must give (x, y) or (x, y, weight). Received: {spec}. Map them to such tuples."
        )
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise TrainingError(
            f"the {role} data must end. Received: a data set without end. Use .take(batches) to say what an epoch is."
        )


def _batch(parts: Sequence[Any], size: int) -> Batch:
    """A batch of (x, y) or (x, y, weight)."""
    return Batch(parts[0], parts[1], parts[2] if len(parts) == 3 else None, size)


def _whole(arrays: Arrays) -> Batch:
    """A whole batch, shared out among the replicas."""
    rows = np.arange(len(arrays[1]))
    parts = [_shared(part, rows) for part in arrays if part is not None]
    return _batch(parts, len(rows))


def _shared(array: Images, rows: np.ndarray) -> Any:
    """The rows as a tensor, or as one tensor for each replica."""
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return tf.convert_to_tensor(array[rows])
    parts = np.array_split(rows, replicas)

    def part(context: tf.distribute.ValueContext) -> tf.Tensor:
        return tf.convert_to_tensor(array[parts[context.replica_id_in_sync_group]])

    return strategy.experimental_distribute_values_from_function(part)
