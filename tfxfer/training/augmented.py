"""Training batches as a phase augments them, the same ones for the same seed, phase, epoch and batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tfxfer.catalogue.augmentation import Augment
from tfxfer.data.augmentation.augment import augmented
from tfxfer.data.augmentation.mixing import as_shares, drawn
from tfxfer.training.determinism import seed_words

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # images, targets, weights


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How the batches of one phase are augmented, whatever the number of replicas that share them."""

    augment: Augment
    seed: int
    phase: str
    outputs: int  # of the model: classes that are mixed become so many shares

    def batches(self, given: Iterable[Arrays], epoch: int) -> Iterator[Arrays]:
        """An epoch's batches, augmented in order; the next one is made in a thread while the last is trained on."""
        with ThreadPoolExecutor(1, thread_name_prefix="tfxfer-augment") as executor:
            waiting: Future[Arrays] | None = None
            for index, arrays in enumerate(given):
                coming = executor.submit(self.batch, arrays, epoch, index)
                if waiting is not None:
                    yield waiting.result()
                waiting = coming
            if waiting is not None:
                yield waiting.result()

    def batch(self, arrays: Arrays, epoch: int, index: int) -> Arrays:
        """A batch of an epoch, augmented; where pictures are mixed, targets are (N, outputs) shares.

        Raises:
            UsageError: the images cannot be augmented.
        """
        images, targets, weights = arrays
        random = np.random.default_rng(seed_words(self.seed, "augment", self.phase, epoch, index))
        images = augmented(images, self.augment, random)
        if not self.augment.mixes:
            return images, targets, weights
        values = {name: float(value) for name, value in self.augment.active.items()}
        mixture = drawn(images.shape[1:3], len(images), values, random)
        return mixture.images(images), *mixture.targets(as_shares(targets, self.outputs), weights)
