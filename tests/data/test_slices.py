"""Slices: each record's part by a column or a pattern, and refusals before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.data import Record, Slicing, check_slices, open_source, slice_values
from tfxfer.errors import DataError, UsageError

RECORDS = tuple(
    Record(f"day{number % 3}/{number}.png", "a", columns=(("camera", camera), ("site", " north ")))
    for number, camera in enumerate(["phone", "", "reflex", "phone"])
)


def test_each_record_has_a_slice_of_each_name() -> None:
    slicings = (
        Slicing("by camera", column="camera"),
        Slicing("day", path=r"(day\d)/"),
        Slicing("site", column="site"),
    )
    assert slice_values(RECORDS, slicings) == {
        "by camera": ("phone", None, "reflex", "phone"),
        "day": ("day0", "day1", "day2", "day0"),
        "site": ("north",) * 4,
    }
    assert slice_values((), slicings)["day"] == ()


def test_a_path_that_does_not_match_is_in_no_slice() -> None:
    assert slice_values(RECORDS, [Slicing("x", path="day(0|1)")])["x"] == ("0", "1", None, "0")
    assert slice_values(RECORDS, [Slicing("x", path="0(x?)")])["x"] == (None,) * 4


def test_the_group_is_a_column(tmp_path: Path) -> None:
    records = [Record("1", "a", group="p1"), Record("2", "a")]
    assert slice_values(records, [Slicing("patient", column="group")])["patient"] == ("p1", None)
    (tmp_path / "m.csv").write_text("path,label,group,patient\n1.png,a,g1,p1\n")
    for group_by, value in ((None, "g1"), ("patient", "g1"), ("group", "g1")):
        found = open_source(tmp_path / "m.csv", group_by=group_by).records()
        assert slice_values(found, [Slicing("x", column="group")])["x"] == (value,)


@pytest.mark.parametrize(
    ("slicing", "message"),
    [
        (Slicing("c", column="cemera"), "'c' must have a column.*Did you mean 'camera'"),
        (Slicing("c", column="weather"), "Received: 'weather'. Known columns: 'camera', 'site'"),
        (Slicing("c", path="(day"), "unterminated|missing"),
        (Slicing("c", path="day"), "with 0 groups. Put parentheses"),
        (Slicing("c", path="(d)(a)"), "with 2 groups"),
        (Slicing("c"), "one of column and path. Received: neither"),
        (Slicing("c", "camera", "(d)"), "one of column and path. Received: both"),
    ],
)
def test_what_is_no_slicing_is_refused(slicing: Slicing, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        slice_values(RECORDS, [slicing])


def test_data_without_columns_say_so() -> None:
    with pytest.raises(UsageError, match=r"data without further columns. Write a pattern"):
        slice_values([Record("1", "a")], [Slicing("c", column="camera")])


@pytest.mark.parametrize(
    ("slicing", "message"),
    [
        (Slicing("c", column="site"), "Received: 'north' for every picture"),
        (Slicing("c", path="(night)"), "Received: none for any picture"),
    ],
)
def test_slices_must_divide(slicing: Slicing, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_slices(RECORDS, [slicing])


def test_a_slice_and_the_rest_divide() -> None:
    check_slices(RECORDS, [Slicing("first day", path="(day0)"), Slicing("camera", column="camera")])


@pytest.mark.parametrize(("count", "fits"), [(100, True), (101, False)])
def test_a_hundred_slices_are_the_most(count: int, fits: bool) -> None:
    records = [Record(f"{number:03d}.png", "a") for number in range(count)]
    if fits:
        check_slices(records, [Slicing("file", path=r"(\d+)")])
        return
    with pytest.raises(DataError, match=r"at most 100 slices. Received: 101: '000', '001'"):
        check_slices(records, [Slicing("file", path=r"(\d+)")])
