"""Training, validation and test: seeded, stratified, leak-free, and stable for every file.

A unit (see `units`) goes where its own number in [0, 1) falls: below the training fraction into training,
and so on. The number depends on the seed and on the unit's group or content alone, so a file stays on its
side when other files are added, removed or renamed. The price is that the shares of each class come out
binomially, not exactly: a rule that never moves a file sees that file only, so no such rule can give exact
shares. A test share of 0.15 over 200 pictures is 30, give or take 5.

One repair is made: a class that a split would lack gets there the unit whose number is nearest, from a split
that keeps at least one of each class concerned. Where pictures have several labels, each is treated so where it
can be, and is in training at least. The values of a regression are not balanced: that would move files. Only a
repaired unit can move when others are added: back to where its number says, once another fills the gap. The
other exception is a file that ties two groups together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfxfer.data.given import given_splits
from tfxfer.data.problems import shown
from tfxfer.data.records import SPLITS, Record, SplitName
from tfxfer.data.stratify import fill_gaps, fill_gaps_where_possible
from tfxfer.data.targets import label_names, task_of
from tfxfer.data.units import Unit, find_units
from tfxfer.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class Fractions:
    """The share of each split, above 0, together 1."""

    train: float = 0.7
    validation: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        shares = (self.train, self.validation, self.test)
        if not all(math.isfinite(share) and share > 0 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise UsageError(
                "The fractions train, validation and test must be above 0 and sum to 1. "
                f"Received: {self.train:g}, {self.validation:g}, {self.test:g}. Correct splits."
            )

    def bounds(self, splits: Sequence[SplitName]) -> dict[SplitName, tuple[float, float]]:
        """Each split's part of [0, 1), in proportion to its fraction among `splits`."""
        shares: dict[SplitName, float] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        total, start = sum(shares[split] for split in splits), 0.0
        bounds: dict[SplitName, tuple[float, float]] = {}
        for split in splits:
            end = 1.0 if split == splits[-1] else start + shares[split] / total
            bounds[split] = (start, end)
            start = end
        return bounds


@dataclass(frozen=True, slots=True)
class Splits:
    """The three splits, each sorted by path, and the labels, sorted; ("value",) for a regression."""

    train: tuple[Record, ...]
    validation: tuple[Record, ...]
    test: tuple[Record, ...]
    labels: tuple[str, ...]

    def named(self) -> dict[SplitName, tuple[Record, ...]]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def split_records(
    records: Sequence[Record],
    digests: Mapping[str, str],
    *,
    fractions: Fractions | None = None,
    seed: int = 0,
) -> Splits:
    """Put every record into one split: the given one where splits are given, else drawn.

    Where only training and one other split are given, the other is the test split and validation is
    cut from training.

    Raises:
        DataError: a class cannot be in every split, a split would be empty, or given splits share a picture
            or a group.
    """
    shares = Fractions() if fractions is None else fractions
    units = find_units(records, digests)
    given = given_splits(records)
    if not given:
        return _splits(records, _draw(units, shares.bounds(SPLITS), seed))
    _refuse_leaks(units, given)
    if "validation" in given.values():
        return _splits(records, given)
    training = [unit for unit in units if given[unit.records[0].path] == "train"]
    return _splits(records, given | _draw(training, shares.bounds(("train", "validation")), seed))


def _draw(
    units: Sequence[Unit], bounds: Mapping[SplitName, tuple[float, float]], seed: int
) -> dict[str, SplitName]:
    numbers = [unit.draw(seed) for unit in units]
    placed = [next(split for split, (_, end) in bounds.items() if number < end) for number in numbers]
    every_class = task_of([record for unit in units for record in unit.records]) == "classification"
    (fill_gaps if every_class else fill_gaps_where_possible)(units, numbers, placed, bounds)
    return {record.path: split for unit, split in zip(units, placed, strict=True) for record in unit.records}


def _refuse_leaks(units: Sequence[Unit], given: Mapping[str, SplitName]) -> None:
    for unit in units:
        if len({given[record.path] for record in unit.records}) > 1:
            raise DataError(
                "The same picture or group must not be in two splits. "
                f"Received: {shown(record.path for record in unit.records)}. Keep them in one split."
            )


def _splits(records: Sequence[Record], placed: Mapping[str, SplitName]) -> Splits:
    ordered = sorted(records, key=lambda record: record.path)
    train, validation, test = (tuple(r for r in ordered if placed[r.path] == split) for split in SPLITS)
    return Splits(train, validation, test, label_names(records))
