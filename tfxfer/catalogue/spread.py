"""A few rows of many, spread evenly: the same ones every time."""

from __future__ import annotations

import numpy as np


def spread_rows(rows: int, most: int) -> np.ndarray:
    """At most `most` of the numbers 0 to `rows` - 1, (n,) int64 in rising order, the first and the last among them."""
    return np.unique(np.linspace(0, rows - 1, min(most, rows)).round().astype(np.int64))
