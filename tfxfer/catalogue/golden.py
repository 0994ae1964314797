"""Where the golden inputs of a bundle come from."""

from __future__ import annotations

from typing import Literal, get_args

GoldenSource = Literal["held_out", "generated"]
GOLDEN_SOURCES: tuple[GoldenSource, ...] = get_args(GoldenSource)
GOLDEN_INPUTS = 8  # in a bundle
