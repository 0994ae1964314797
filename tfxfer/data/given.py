"""Splits that the user gave, by folders or in a manifest, and what they are taken to mean."""

from __future__ import annotations

from collections.abc import Sequence

from tfxfer.data.problems import shown
from tfxfer.data.records import Record, SplitName
from tfxfer.errors import DataError


def given_splits(records: Sequence[Record]) -> dict[str, SplitName]:
    """The split of each path as given; empty where none is given.

    Where training and only one other split are given, the other one is called test.

    Raises:
        DataError: some records have a split and others none, or training, or everything else, is missing.
    """
    named = {record.split for record in records}
    if named <= {None}:
        return {}
    if None in named:
        lacking = [record.path for record in records if record.split is None]
        raise DataError(
            f"A split must be given for every record, or for none. Received: none for {shown(lacking)}."
        )
    if "train" not in named or len(named) < 2:
        raise DataError(
            "Given splits must be train and at least one of validation and test. "
            f"Received: only {shown(sorted(str(split) for split in named))}. Add one, or remove the splits."
        )
    if "test" in named:
        return {record.path: record.split for record in records if record.split is not None}
    return {record.path: "train" if record.split == "train" else "test" for record in records}
