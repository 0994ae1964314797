"""The trained network's answers on held-out pictures: what every artifact is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import Decoding
from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.scoring import Scoring
from tfxfer.evaluation.slices import SliceDrop, SliceMetrics, Slicings, slice_drops, slice_metrics
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
    decoding: Decoding = field(default_factory=Decoding)
    decision: Decision | None = None
    slicings: Slicings = field(default_factory=dict)  # name -> the slice of each picture, None for none

    @property
    def task(self) -> TaskName:
        """What the logits mean."""
        return self.decoding.task

    @property
    def scoring(self) -> Scoring:
        """How anybody's answers become figures."""
        return Scoring(self.task, self.labels, self.decision)

    @property
    def outputs(self) -> Outputs:
        return self.predictions.outputs

    @cached_property
    def metrics(self) -> Metrics:
        """The trained network's own figures."""
        return self.score(self.outputs)

    def score(self, outputs: Outputs) -> Metrics:
        """The figures of anybody's answers on these pictures."""
        return self.scoring.metrics(self.predictions_of(outputs))

    def predictions_of(self, outputs: Outputs) -> Predictions:
        """Anybody's answers beside the truth about these pictures."""
        return Predictions(outputs, self.predictions.targets, self.predictions.weights)

    @cached_property
    def slices(self) -> tuple[SliceMetrics, ...]:
        """The trained network's figures on every slice."""
        right = self.scoring.per_image(self.predictions)
        return slice_metrics(self.slicings, right, self.predictions.weights, self.task)

    def slice_drops(self, outputs: Outputs) -> tuple[SliceDrop, ...]:
        """How much worse somebody's answers are than the network's, on every slice."""
        before = self.scoring.per_image(self.predictions)
        after = self.scoring.per_image(self.predictions_of(outputs))
        return slice_drops(self.slicings, before, after, self.predictions.weights, self.task)


def image_batches(images: Images, batch_size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
    """The pictures in order, `batch_size` at a time; the last batch may be smaller."""
    for start in range(0, len(images), batch_size):
        yield images[start : start + batch_size]
