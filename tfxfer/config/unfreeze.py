"""The little language of `unfreeze`: none, all, "3 blocks", "30%", "from NAME"; or lines of it, by epoch."""

from __future__ import annotations

import re

from tfxfer.catalogue.unfreezing import Unfreezing

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


def read_unfreeze(value: object) -> str | tuple[Unfreezing, ...]:
    """One sentence, or a list of {epoch, unfreeze} as lines; ValueError says what is taken."""
    if isinstance(value, str):
        return check_unfreeze(value)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"must be {USUAL_UNFREEZE}, or a list of {{epoch, unfreeze}}")
    return tuple(_line(entry) for entry in value)


def write_unfreeze(value: str | tuple[Unfreezing, ...]) -> object:
    """As it is written in a configuration."""
    return value if isinstance(value, str) else [line._asdict() for line in value]


def _line(entry: object) -> Unfreezing:
    if isinstance(entry, Unfreezing):
        return entry
    if not isinstance(entry, dict) or set(entry) != {"epoch", "unfreeze"}:
        raise ValueError("must have the keys epoch and unfreeze in each entry of the list, and no others")
    epoch, unfreeze = entry["epoch"], entry["unfreeze"]
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError("must have a whole number of at least 0 as the epoch of each entry")
    if not isinstance(unfreeze, str):
        raise ValueError(f"must have {USUAL_UNFREEZE} as the unfreeze of each entry")
    return Unfreezing(epoch, check_unfreeze(unfreeze))
