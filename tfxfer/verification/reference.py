"""The trained network's answers on held-out pictures: what every artifact is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.score import score_predictions
from tfxfer.runtimes.outputs import Outputs

BATCH_SIZE = 64  # pictures that a runtime is given at a time


class Images(Protocol):
    """Pictures (N, H, W, C) that are read when they are asked for: an array, or rows of a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Reference:
    """Held-out pictures, the truth about them, and what the trained network says."""

    images: Images
    predictions: Predictions
    labels: tuple[str, ...]

    @property
    def outputs(self) -> Outputs:
        return self.predictions.outputs

    @cached_property
    def metrics(self) -> Metrics:
        """The trained network's own figures."""
        return self.score(self.outputs)

    def score(self, outputs: Outputs) -> Metrics:
        """The figures of anybody's answers on these pictures."""
        found = Predictions(outputs, self.predictions.targets, self.predictions.weights)
        return score_predictions(found, labels=self.labels)


def image_batches(images: Images, batch_size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
    """The pictures in order, `batch_size` at a time; the last batch may be smaller."""
    for start in range(0, len(images), batch_size):
        yield images[start : start + batch_size]
