"""Splits are stratified, seeded, leak-free, and stay the same for a file when others are added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tfxfer.data import Fractions, Record, Splits, split_records, splits_csv
from tfxfer.data.units import find_units
from tfxfer.errors import DataError, UsageError

Digests = dict[str, str]


def make(count: int, *labels: str, start: int = 0) -> list[Record]:
    return [Record(f"{label}/{start + number:05d}.png", label) for label in labels for number in range(count)]


def distinct(records: Sequence[Record]) -> Digests:
    return {record.path: f"digest of {record.path}" for record in records}


def sides(splits: Splits) -> dict[str, str]:
    return {record.path: name for name, records in splits.named().items() for record in records}


def test_every_record_is_in_one_split() -> None:
    records = make(100, "b", "a")
    splits = split_records(records, distinct(records))
    assert splits.labels == ("a", "b")
    assert sorted(sides(splits)) == sorted(record.path for record in records)
    assert sum(map(len, splits.named().values())) == 200


def test_shares_of_every_class_come_near_the_fractions() -> None:
    records = make(2000, "a", "b", "c")
    splits = split_records(records, distinct(records), fractions=Fractions(0.6, 0.25, 0.15))
    for name, share in (("train", 0.6), ("validation", 0.25), ("test", 0.15)):
        for label, count in Counter(record.label for record in splits.named()[name]).items():
            assert count / 2000 == pytest.approx(share, abs=0.04), (name, label)


def test_order_does_not_matter_and_the_seed_does() -> None:
    records = make(50, "a", "b")
    digests = distinct(records)
    assert split_records(records[::-1], digests) == split_records(records, digests)
    assert split_records(records, digests, seed=1) != split_records(records, digests, seed=2)


def test_a_known_split_is_pinned() -> None:
    """Whoever changes this moves the test pictures of everyone who upgrades."""
    records = make(24, "a")
    placed = sides(split_records(records, distinct(records), seed=4))
    letters = {"train": "r", "validation": "v", "test": "t"}
    assert "".join(letters[placed[path]] for path in sorted(placed)) == "rvrrrrrrrtrvrvrrrrrrrrtr"


@pytest.mark.parametrize("seed", range(5))
def test_a_file_stays_when_others_are_added(seed: int) -> None:
    records = make(200, "a", "b")
    more = [*records, *make(150, "a", "b", start=500), *make(90, "new")]
    before = sides(split_records(records, distinct(records), seed=seed))
    after = sides(split_records(more, distinct(more), seed=seed))
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("seed", range(5))
def test_a_file_stays_when_copies_and_group_members_are_added(seed: int) -> None:
    records = [replace(record, group=f"g{index % 60}") for index, record in enumerate(make(120, "a"))] + make(
        120, "b"
    )
    digests = distinct(records)
    before = sides(split_records(records, digests, seed=seed))
    members = [Record(f"a/more{index}.png", "a", group=f"g{index}") for index in range(60)]
    copies = [Record(f"b/copy{index}.png", "b") for index in range(120)]
    digests |= distinct(members) | {
        copy.path: digests[f"b/{index:05d}.png"] for index, copy in enumerate(copies)
    }
    after = sides(split_records([*records, *members, *copies], digests, seed=seed))
    assert {path: after[path] for path in before} == before
    for index, copy in enumerate(copies):
        assert after[copy.path] == after[f"b/{index:05d}.png"]


def test_a_file_stays_when_others_are_removed_or_renamed() -> None:
    records = make(200, "a", "b")
    digests = distinct(records)
    before = sides(split_records(records, digests))
    fewer = [record for index, record in enumerate(records) if index % 3]
    renamed = [replace(record, path=f"moved/{record.path}") for record in fewer]
    after = sides(split_records(renamed, {f"moved/{path}": digest for path, digest in digests.items()}))
    assert all(after[f"moved/{record.path}"] == before[record.path] for record in fewer)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_bytes_are_never_in_two_splits(seed: int) -> None:
    records = make(60, "a", "b")
    digests = {record.path: f"{record.label}{index % 17}" for index, record in enumerate(records)}
    side = sides(split_records(records, digests, seed=seed))
    for digest in set(digests.values()):
        assert len({side[path] for path, value in digests.items() if value == digest}) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_group_is_never_in_two_splits(seed: int) -> None:
    records = [
        replace(record, group=f"patient{index % 25}") for index, record in enumerate(make(100, "a", "b"))
    ]
    splits = split_records(records, distinct(records), seed=seed)
    groups = [{record.group for record in part} for part in splits.named().values()]
    assert len(groups[0] | groups[1] | groups[2]) == sum(map(len, groups))
    assert all({record.label for record in part} == {"a", "b"} for part in splits.named().values())


def test_a_picture_in_two_groups_ties_them_together() -> None:
    records = [
        Record("1", "a", group="p"),
        Record("2", "a", group="q"),
        Record("3", "a", group="q"),
        Record("4", "a"),
    ]
    units = find_units(records, {"1": "x", "2": "x", "3": "y", "4": "z"})
    assert [(unit.keys, [record.path for record in unit.records]) for unit in units] == [
        (("group:p", "group:q"), ["1", "2", "3"]),
        (("content:z",), ["4"]),
    ]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("count", [3, 4, 10])
def test_small_classes_are_in_every_split(seed: int, count: int) -> None:
    records = make(count, "a", "b", "c")
    for part in split_records(records, distinct(records), seed=seed).named().values():
        assert {record.label for record in part} == {"a", "b", "c"}


@pytest.mark.parametrize("seed", range(30))
def test_the_repair_moves_one_unit_per_gap(seed: int) -> None:
    records = make(10, "a")
    digests = distinct(records)
    natural = {
        record.path: side(unit.draw(seed)) for unit in find_units(records, digests) for record in unit.records
    }
    repaired = sides(split_records(records, digests, seed=seed))
    moved = [path for path in natural if natural[path] != repaired[path]]
    assert len(moved) == 3 - len(set(natural.values()))


def side(number: float) -> str:
    return "train" if number < 0.7 else "validation" if number < 0.85 else "test"


def test_a_class_without_enough_units_is_refused() -> None:
    records = [*make(10, "a"), *make(2, "b")]
    with pytest.raises(DataError, match=r"needs 3 different pictures or groups.*for 'b'"):
        split_records(records, distinct(records))


def given(*rows: tuple[str, str | None]) -> list[Record]:
    return [
        Record(f"{split}/{label}/{index}.png", label, split)  # type: ignore[arg-type]
        for index, (label, split) in enumerate(rows)
    ]


def test_given_splits_are_taken() -> None:
    records = given(("a", "train"), ("b", "train"), ("a", "validation"), ("b", "test"))
    splits = split_records(records, distinct(records))
    assert all(path.startswith(side) for path, side in sides(splits).items())


@pytest.mark.parametrize("other", ["validation", "test"])
def test_where_two_are_given_validation_is_cut_from_train(other: str) -> None:
    rows = [(label, split) for label in "ab" for split in ["train"] * 200 + [other] * 20]
    records = given(*rows)
    splits = split_records(records, distinct(records), fractions=Fractions(0.6, 0.2, 0.2))
    assert {record.split for record in splits.test} == {other}
    assert len(splits.test) == 40
    assert len(splits.validation) == pytest.approx(100, abs=30)
    assert {record.split for record in splits.validation} == {"train"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "train"), ("b", None)], "for every record, or for none"),
        ([("a", "train"), ("b", "train")], "Received: only 'train'"),
        ([("a", "validation"), ("b", "test")], "must be train and at least one"),
    ],
)
def test_given_splits_must_be_complete(rows: list[tuple[str, str | None]], message: str) -> None:
    records = given(*rows)
    with pytest.raises(DataError, match=message):
        split_records(records, distinct(records))


def test_given_splits_must_not_leak() -> None:
    records = given(("a", "train"), ("b", "train"), ("a", "test"), ("b", "test"))
    with pytest.raises(DataError, match="must not be in two splits"):
        split_records(records, distinct(records) | {records[0].path: "same", records[2].path: "same"})


@pytest.mark.parametrize(
    "shares", [(0.7, 0.3, 0.0), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)]
)
def test_fractions_must_be_shares(shares: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="above 0 and sum to 1"):
        Fractions(*shares)


def test_splits_csv_is_sorted_by_path() -> None:
    records = make(5, "b", 'a, "quoted"')
    lines = splits_csv(split_records(records, distinct(records))).splitlines()
    assert lines[0] == "path,label,split"
    assert len(lines) == 11
    assert lines[1].startswith('"a, ""quoted""/00000.png","a, ""quoted""",')
