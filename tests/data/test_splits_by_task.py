"""Splits of multi-label and regression data: no split is empty, rare labels are where they can be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.data.test_splits import distinct, sides
from tfxfer.data import Record, Splits, split_records
from tfxfer.errors import DataError


def tagged(count: int, *sets: tuple[str, ...]) -> list[Record]:
    return [Record(f"{number:05d}.png", labels=sets[number % len(sets)]) for number in range(count)]


def valued(count: int, start: int = 0) -> list[Record]:
    return [Record(f"{number:05d}.png", value=float(number)) for number in range(start, start + count)]


def labels_in(splits: Splits) -> dict[str, set[str]]:
    return {
        name: {label for record in records for label in record.labels}
        for name, records in splits.named().items()
    }


@pytest.mark.parametrize("seed", range(30))
def test_every_label_is_in_every_split_where_it_can_be(seed: int) -> None:
    records = [
        *tagged(60, ("a",), ("a", "b"), (), ("c", "b")),
        *(replace(record, path=f"rare/{record.path}") for record in tagged(3, ("rare", "a"))),
    ]
    splits = split_records(records, distinct(records), seed=seed)
    assert splits.labels == ("a", "b", "c", "rare")
    assert all(found == {"a", "b", "c", "rare"} for found in labels_in(splits).values())


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("count", [1, 2])
def test_a_label_too_rare_for_all_is_learnt(seed: int, count: int) -> None:
    rare = [Record(f"rare/{number}.png", labels=("rare", "b")) for number in range(count)]
    records = [*tagged(40, ("a",), ("b",)), *rare]
    found = labels_in(split_records(records, distinct(records), seed=seed))
    assert "rare" in found["train"]
    assert sum("rare" in names for names in found.values()) == count


@pytest.mark.parametrize("seed", range(10))
def test_a_file_without_labels_and_one_with_values_stay_when_others_are_added(seed: int) -> None:
    for first, more in (
        (tagged(200, ("a",), ("a", "b"), ()), tagged(380, ("a",), ("a", "b"), ())),
        (valued(200), valued(400)),
    ):
        before = sides(split_records(first, distinct(first), seed=seed))
        after = sides(split_records(more, distinct(more), seed=seed))
        assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("count", [3, 5, 12])
def test_no_split_of_values_is_empty(seed: int, count: int) -> None:
    records = valued(count)
    splits = split_records(records, distinct(records), seed=seed)
    assert all(splits.named().values())
    assert splits.labels == ("value",)
    assert sum(map(len, splits.named().values())) == count


def test_values_are_shared_out_by_the_fractions() -> None:
    records = valued(2000)
    counts = Counter(sides(split_records(records, distinct(records))).values())
    assert counts["test"] / 2000 == pytest.approx(0.15, abs=0.03)


def test_a_group_of_values_stays_together() -> None:
    records = [replace(record, group=f"g{index % 20}") for index, record in enumerate(valued(100))]
    splits = split_records(records, distinct(records))
    groups = [{record.group for record in part} for part in splits.named().values()]
    assert len(groups[0] | groups[1] | groups[2]) == sum(map(len, groups)) == 20


@pytest.mark.parametrize("records", [valued(2), tagged(2, ("a",))])
def test_fewer_pictures_than_splits_are_refused(records: list[Record]) -> None:
    with pytest.raises(DataError, match="at least one picture or group for each of train, validation, test"):
        split_records(records, distinct(records))


def test_given_splits_are_taken_for_every_task() -> None:
    names = ("train", "train", "validation", "test")
    for records in (tagged(4, ("a",)), valued(4)):
        given = [replace(record, split=name) for record, name in zip(records, names, strict=True)]  # type: ignore[arg-type]
        assert list(sides(split_records(given, distinct(given))).values()) == list(names)
