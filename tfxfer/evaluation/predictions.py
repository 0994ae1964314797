"""Running a predictor over a data set, and checking what comes out before anyone counts it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import numpy as np

from tfxfer.catalogue.tasks import TASKS, TaskName, output_names
from tfxfer.errors import DataError, EvaluationError
from tfxfer.runtimes.outputs import Outputs


@runtime_checkable
class Predictor(Protocol):
    """A Network or a Runtime: (N, H, W, 3) pictures in, Outputs out."""

    @property
    def labels(self) -> tuple[str, ...] | None: ...

    def predict(self, images: np.ndarray) -> Outputs: ...


@runtime_checkable
class HasTask(Protocol):
    """A predictor that knows what its logits mean."""

    @property
    def task(self) -> TaskName: ...


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a predictor said about a split, beside what is true."""

    outputs: Outputs
    targets: np.ndarray  # (N,) int64 class indices; (N, labels) float64 of other tasks
    weights: np.ndarray  # (N,) float64, ones where none were given


def collect(predict: object, data: Iterable[object], task: TaskName = "classification") -> Predictions:
    """Run `predict` over every batch of `data`.

    `predict` is a Network, a Runtime, a keras.Model or a callable from a batch to Outputs or an array.
    `data` yields (images, targets) or (images, targets, weights); an array that `predict` returns is
    taken as probabilities where every row is one (of a multi-label task: every number), and as logits
    otherwise; of a regression it holds the values.

    Raises:
        DataError: no batch, a batch that is not a pair or a triple, targets that do not fit.
        EvaluationError: outputs that are not (N, labels) or not finite.
    """
    refuse_endless(data)
    run = _runner(predict, task)
    raw, targets, weights = [], [], []
    for images, truth, weight in _batches(data):
        raw.append(run(images))
        targets.append(truth)
        weights.append(np.ones(len(truth)) if weight is None else weight)
    if not raw:
        raise DataError("evaluation needs at least one batch. Received: an empty data set.")
    outputs = _joined(raw, task)
    return Predictions(
        outputs,
        checked_targets(np.concatenate(targets), outputs.logits.shape[1], task),
        _checked_weights(np.concatenate(weights), len(outputs.logits)),
    )


def checked_targets(targets: np.ndarray, labels: int, task: TaskName) -> np.ndarray:
    """Targets as the task scores them: class indices (N,), or (N, labels) float64 zeros and ones, or values.

    Raises:
        DataError: targets that do not fit the task or the number of labels.
    """
    if task == "classification":
        return class_indices(targets, labels)
    rows = targets.reshape(-1, 1) if targets.ndim == 1 and labels == 1 else targets
    if rows.ndim != 2 or rows.shape[1] != labels or rows.dtype.kind not in "iufb":
        raise DataError(
            f"targets of this task must be numbers (N, {labels}). "
            f"Received: shape {targets.shape}, dtype {targets.dtype}."
        )
    wrong = ~np.isin(rows, (0, 1)) if task == "multi_label" else ~np.isfinite(rows)
    if wrong.any():
        wanted = "0 or 1 for each label" if task == "multi_label" else "finite"
        raise DataError(f"targets must be {wanted}. Received: {rows[wrong][0]} ({int(wrong.sum())} such).")
    return rows.astype(np.float64)


def class_indices(targets: np.ndarray, classes: int) -> np.ndarray:
    """Targets as (N,) int64 indices, from indices, a column of indices, or one-hot rows.

    Raises:
        DataError: a target outside 0..classes-1, or rows that are neither.
    """
    if targets.ndim == 2 and targets.shape[1] == classes and classes > 1:
        targets = _from_one_hot(targets)
    elif targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim != 1 or targets.dtype.kind not in "iufb":
        raise DataError(
            f"targets must be class indices (N,) or one-hot rows (N, {classes}). "
            f"Received: shape {targets.shape}, dtype {targets.dtype}."
        )
    wrong = np.flatnonzero((targets < 0) | (targets >= classes) | (targets != np.floor(targets)))
    if wrong.size:
        raise DataError(
            f"targets must be whole numbers from 0 to {classes - 1}, one per class of the network. "
            f"Received: {targets[wrong[0]]} at index {wrong[0]} ({wrong.size} such)."
        )
    return targets.astype(np.int64)


def check_outputs(outputs: Outputs) -> None:
    """Refuse outputs that cannot be scored.

    Raises:
        EvaluationError: logits and probabilities are not both (N, classes), or hold NaN or infinity.
    """
    if outputs.logits.ndim != 2 or outputs.logits.shape != outputs.probabilities.shape:
        raise EvaluationError(
            "logits and probabilities (or values) must both be (N, labels). "
            f"Received: {outputs.logits.shape} and {outputs.probabilities.shape}."
        )
    for name, values in (("logits", outputs.logits), ("probabilities", outputs.probabilities)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if bad.size:
            raise EvaluationError(
                f"{name} must be finite numbers. Received: {values[bad[0]].tolist()} for image {bad[0]} "
                f"({bad.size} of {len(values)} images). Look at the training loss, or at the exported file."
            )


def refuse_endless(data: object) -> None:
    """Raises DataError for a tf.data.Dataset without end."""
    tensorflow = sys.modules.get("tensorflow")  # a tf.data.Dataset exists only where TensorFlow is loaded
    if tensorflow is None or not isinstance(data, tensorflow.data.Dataset):
        return
    if int(data.cardinality()) == tensorflow.data.INFINITE_CARDINALITY:
        raise DataError("evaluation needs data that end. Received: an endless dataset. Drop .repeat().")


def _batches(data: Iterable[object]) -> Iterator[tuple[object, np.ndarray, np.ndarray | None]]:
    for batch in data:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise DataError(
                "evaluation takes batches (images, targets) or (images, targets, weights). "
                f"Received: {type(batch).__name__}."
            )
        truth = np.asarray(batch[1])
        if truth.ndim == 0:
            raise DataError(
                "evaluation takes batches, targets (N,). Received: a single target. Call .batch(32) first."
            )
        yield batch[0], truth, None if len(batch) == 2 else np.asarray(batch[2], dtype=np.float64)


def _runner(predict: object, task: TaskName) -> Callable[[object], Outputs | np.ndarray]:
    keras = sys.modules.get("keras")  # a keras.Model exists only where Keras is loaded
    if keras is not None and isinstance(predict, keras.Model):
        return _model_runner(predict, task)
    if isinstance(predict, Predictor):
        predictor = predict
        return lambda images: predictor.predict(np.asarray(images))
    if callable(predict):
        function = predict
        return lambda images: as_outputs(function(images), task)
    raise EvaluationError(
        "evaluate takes a Network, a Runtime, a keras.Model or a callable. "
        f"Received: {type(predict).__name__}."
    )


def _model_runner(model: object, task: TaskName) -> Callable[[object], Outputs | np.ndarray]:
    """A keras.Model in inference mode, as one graph.

    Not `predict_on_batch`: under a strategy it gives every replica the whole batch and joins their answers.
    """
    tensorflow, call = sys.modules["tensorflow"], cast(Callable[..., object], model)
    graph = tensorflow.function(lambda images: call(images, training=False), reduce_retracing=True)
    return lambda images: as_outputs(graph(images), task)


def as_outputs(value: object, task: TaskName) -> Outputs | np.ndarray:
    """What a model or a callable gave for one batch: both outputs, or one array (N, labels) for FROM_ARRAY.

    Raises:
        EvaluationError: neither.
    """
    if isinstance(value, Outputs):
        return value
    if isinstance(value, Mapping):
        first, second = output_names(task)
        if {first, second} - set(value):
            raise EvaluationError(
                f"a model with several outputs must name them '{first}' and '{second}'. "
                f"Received: {sorted(value)}."
            )
        return Outputs(np.asarray(value[first]), np.asarray(value[second]))
    array, fewest = np.asarray(value), TASKS[task].fewest_labels
    if isinstance(value, (tuple, list)) or array.ndim != 2 or array.shape[1] < fewest:
        wanted = "two classes or more" if fewest == 2 else "one output or more"
        raise EvaluationError(
            f"the output must be one array (N, labels) of {wanted}. "
            f"Received: {f'{len(value)} outputs' if isinstance(value, (tuple, list)) else array.shape}."
        )
    return array


def _joined(parts: Sequence[Outputs | np.ndarray], task: TaskName) -> Outputs:
    ready = [part for part in parts if isinstance(part, Outputs)]
    if len(ready) == len(parts):
        outputs = Outputs(
            np.concatenate([part.probabilities for part in ready]),
            np.concatenate([part.logits for part in ready]),
        )
    else:
        outputs = FROM_ARRAY[task](np.concatenate([np.asarray(part) for part in parts]).astype(np.float64))
    check_outputs(outputs)
    return outputs


def _from_classes(values: np.ndarray) -> Outputs:
    if values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < 1e-3:  # rows that add up to one
        return Outputs(values, np.log(np.maximum(values, np.finfo(np.float32).tiny)))
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    return Outputs(shifted / shifted.sum(axis=1, keepdims=True), values)


def _from_labels(values: np.ndarray) -> Outputs:
    if values.min() >= 0 and values.max() <= 1:
        inside = np.clip(values, np.finfo(np.float32).tiny, 1 - np.finfo(np.float32).epsneg)
        return Outputs(values, np.log(inside) - np.log1p(-inside))
    return Outputs(1 / (1 + np.exp(-values)), values)


def _from_values(values: np.ndarray) -> Outputs:
    return Outputs(values, values)


FROM_ARRAY: Mapping[TaskName, Callable[[np.ndarray], Outputs]] = {
    "classification": _from_classes,
    "multi_label": _from_labels,
    "regression": _from_values,
}


def _from_one_hot(rows: np.ndarray) -> np.ndarray:
    if not np.isin(rows, (0, 1)).all() or (rows.sum(axis=1) != 1).any():
        raise DataError(
            "targets as rows must be one-hot: a single 1, otherwise 0. Received: rows with other numbers. "
            "Evaluate on data without mixing or label smoothing."
        )
    return rows.argmax(axis=1)


def _checked_weights(weights: np.ndarray, n: int) -> np.ndarray:
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise DataError(
            f"sample weights must be {n} finite numbers of 0 or more, not all 0. "
            f"Received: shape {weights.shape}, smallest {weights.min()}, sum {weights.sum()}."
        )
    return weights
