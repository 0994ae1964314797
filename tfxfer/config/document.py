"""A configuration before it is checked: plain values, and where each of them was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Place = tuple[str | int, ...]  # ("training", "phases", 0, "epochs")
Tree = dict[str, object]  # text keys; values are mappings, lists, text, numbers, booleans and None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: the words for a message, and the folder its relative paths start from."""

    text: str  # "configs/flowers.yaml, line 7", "--set seed=3"
    base: Path
    line: int = 0  # only to put problems in order


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and at which place of the configuration."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A tree and the origins of its places; a place without one was written where its parent was."""

    tree: Tree
    origins: Mapping[Place, Origin]  # holds at least ()

    def origin(self, place: Place) -> Origin:
        """The origin of `place`, or of the nearest place around it."""
        while place not in self.origins:
            place = place[:-1]
        return self.origins[place]


def spell(place: Place) -> str:
    """The place as users write it: `training.phases[0].epochs`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
