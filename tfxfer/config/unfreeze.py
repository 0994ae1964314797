"""The little language of `unfreeze`: none, all, "3 blocks", "30%", "from NAME"."""

from __future__ import annotations

import re

USUAL_UNFREEZE = 'none, all, "3 blocks", "30%" or "from NAME"'

_BLOCKS = re.compile(r"([1-9]\d{0,3})\s+blocks?")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")
_FROM = re.compile(r"from\s+(\S+)")


def check_unfreeze(value: str) -> str:
    """`value` unchanged where it is a sentence of the language; ValueError says which sentences there are."""
    percent = _PERCENT.fullmatch(value)
    if percent is not None and 0 < float(percent[1]) <= 100:
        return value
    if value in ("none", "all") or _BLOCKS.fullmatch(value) or _FROM.fullmatch(value):
        return value
    raise ValueError(f"must be {USUAL_UNFREEZE}")
