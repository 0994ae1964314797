"""Rows spread evenly over many."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.catalogue.spread import spread_rows


@pytest.mark.parametrize(
    ("rows", "most", "found"),
    [
        (0, 4, []),
        (1, 4, [0]),
        (4, 4, [0, 1, 2, 3]),
        (3, 9, [0, 1, 2]),
        (9, 3, [0, 4, 8]),
        (9, 1, [0]),
        (9, 0, []),
    ],
)
def test_few_are_chosen_and_all_where_there_are_few(rows: int, most: int, found: list[int]) -> None:
    assert spread_rows(rows, most).tolist() == found


def test_as_many_as_asked_for_without_one_twice() -> None:
    for rows in range(1, 200):
        chosen = spread_rows(rows, 64)
        assert chosen.dtype == np.int64
        assert len(chosen) == min(rows, 64)
        assert np.all(np.diff(chosen) > 0)
