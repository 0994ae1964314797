"""A line of a schedule of unfreezings, as configurations and phases both have it."""

from __future__ import annotations

from typing import NamedTuple


class Unfreezing(NamedTuple):
    """From `epoch` on, which counts from 0, `unfreeze` learns."""

    epoch: int
    unfreeze: str  # "none" (the head), "all", "3 blocks", "30%", "from NAME"
