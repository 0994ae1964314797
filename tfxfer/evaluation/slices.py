"""Figures per slice of the test split: whom the network serves worse, and whom an artifact's loss hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.intervals import (
    Interval,
    difference_interval,
    effective_sample_size,
    mean_interval,
    paired_difference_interval,
    share_interval,
)

Slicings = Mapping[str, Sequence[str | None]]  # name -> the slice of each image, None for none


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """One slice: the images with one value under one slicing; figures are those of the task's headline."""

    name: str  # of the slicing
    value: str
    n: int
    score: float
    interval: Interval  # 95 %
    gap: float | None  # score minus that of all other images; None where there are none
    gap_interval: Interval | None  # 95 %, of two independent groups

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SliceDrop:
    """One slice of one artifact: how much worse than the network it is there."""

    name: str
    value: str
    n: int
    score: float
    drop: float  # of accuracy or exact match; of a regression the rise of the mean absolute error
    interval: Interval  # 95 %, paired

    @property
    def images_lost(self) -> float:
        """The drop as a number of images, of a task that counts right answers."""
        return self.drop * self.n

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return asdict(self)


def slice_metrics(
    slicings: Slicings, per_image: np.ndarray, weights: np.ndarray, task: TaskName
) -> tuple[SliceMetrics, ...]:
    """The figures of every slice, from (N,) right answers or absolute errors."""
    return tuple(
        _slice(name, value, chosen, (per_image, weights), task) for name, value, chosen in _each(slicings)
    )


def slice_drops(
    slicings: Slicings, before: np.ndarray, after: np.ndarray, weights: np.ndarray, task: TaskName
) -> tuple[SliceDrop, ...]:
    """How much every slice loses from `before` to `after`, both (N,) per image."""
    return tuple(
        _drop(name, value, before[chosen], after[chosen], weights=weights[chosen], task=task)
        for name, value, chosen in _each(slicings)
    )


def _each(slicings: Slicings) -> Iterator[tuple[str, str, np.ndarray]]:
    """(slicing, value, (N,) bool) of every slice, in the order of names and values."""
    for name, values in slicings.items():
        array = np.array(["" if value is None else value for value in values], dtype=object)
        known = np.array([value is not None for value in values], dtype=bool)
        for value in sorted({value for value in values if value is not None}):
            yield name, value, known & (array == value)


def _slice(
    name: str, value: str, chosen: np.ndarray, figures: tuple[np.ndarray, np.ndarray], task: TaskName
) -> SliceMetrics:
    score, interval = _mean(*(part[chosen] for part in figures), task=task)
    gap, gap_interval = None, None
    if not chosen.all():
        others, others_interval = _mean(*(part[~chosen] for part in figures), task=task)
        gap = score - others
        gap_interval = difference_interval(interval, others_interval, (score, others))
    return SliceMetrics(name, value, int(chosen.sum()), score, interval, gap, gap_interval)


def _mean(per_image: np.ndarray, weights: np.ndarray, *, task: TaskName) -> tuple[float, Interval]:
    mean = float(np.average(per_image, weights=weights))
    if task == "regression":
        return mean, mean_interval(per_image, weights)
    return mean, share_interval(per_image > 0, weights)


def _drop(
    name: str, value: str, before: np.ndarray, after: np.ndarray, *, weights: np.ndarray, task: TaskName
) -> SliceDrop:
    loss = after - before if task == "regression" else before - after
    drop = float(np.average(loss, weights=weights))
    if task == "regression":
        interval = mean_interval(loss, weights)
    else:
        effective = effective_sample_size(weights)
        share = weights * effective / weights.sum()
        lost, gained = float(share[loss > 0].sum()), float(share[loss < 0].sum())
        interval = paired_difference_interval(lost, gained, effective)
    return SliceDrop(name, value, len(before), float(np.average(after, weights=weights)), drop, interval)
