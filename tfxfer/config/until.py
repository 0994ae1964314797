"""The little language of `until`: "60%" of the blocks, or the name of a block or an operation."""

from __future__ import annotations

import re
from dataclasses import dataclass

USUAL_UNTIL = '"60%" (of the blocks, counted from the input) or the name of a block'
OPAQUE = "until must not be given with hub/: a SavedModel is opaque, and its inside cannot be cut"

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")


@dataclass(frozen=True, slots=True)
class Until:
    """A parsed `until`: the last thing that is kept."""

    share: float | None = None  # of the blocks, 0 < share <= 1
    name: str = ""  # of a block or an operation, where no share is given


def parse_until(text: str) -> Until:
    """Read "60%" or a name; ValueError says what there is."""
    percent = _PERCENT.fullmatch(text)
    if percent is not None and 0 < float(percent[1]) <= 100:
        return Until(share=float(percent[1]) / 100)
    if not text or "%" in text or any(character.isspace() for character in text):
        raise ValueError(f"must be {USUAL_UNTIL}")
    return Until(name=text)


def check_until(value: str) -> str:
    """`value` unchanged where `parse_until` can read it."""
    parse_until(value)
    return value
