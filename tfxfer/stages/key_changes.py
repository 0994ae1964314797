"""What differs between two keys of a stage, in the words of who changed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["config", "input", "code", "library", "environment"]
SHOWN = 10  # files that are named
# Parts of a key that are not a section of the configuration, by stage "data" under other names.
OF_DATA = {
    "path": "data.path",
    "group_by": "data.group_by",
    "resize": "data.resize",
    "task": "head.task",
    "size": "backbone.image_size",
}
INPUTS = {
    "data": "the pictures or their labels",
    "network": "the trained network",
    "weights": "the backbone's weights file",
}
PATHS = ("train", "validation", "test", "calibration", "splits")
UNSAID = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a key that is another one now."""

    kind: Kind
    name: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.was} -> {self.now}"


def key_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every part that differs; none where the keys are the same."""
    found: list[Change] = []
    for name in dict.fromkeys([*was, *now]):
        if was.get(name) != now.get(name):
            found += _part(name, was.get(name), now.get(name))
    return tuple(found)


def _part(name: str, was: Any, now: Any) -> Iterator[Change]:
    if name == "versions":
        for library, before, after in _differences(was or {}, now or {}):
            yield Change("library", library, before, after)
    elif name == "code":
        for room, _, _ in _differences(was or {}, now or {}):
            yield Change("code", f"tfxfer/{room}", "another version of it", "this one")
    elif name == "files":
        yield from _files(was or [], now or [])
    elif name in INPUTS:
        yield Change("input", INPUTS[name], _short(was), _short(now))
    elif name in PATHS:
        yield Change("input", f"the {name} split", f"{_count(was)} pictures", _moved(was, now))
    elif name in ("machine", "environment"):
        for entry, before, after in _differences({name: was}, {name: now}):
            yield Change("environment", entry.removeprefix("environment."), before, after)
    else:
        for entry, before, after in _differences({name: was}, {name: now}):
            yield Change("config", OF_DATA.get(entry.partition("[")[0], entry), before, after)


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Dotted name, and the value before and now, of every leaf that differs."""
    left, right = dict(_leaves("", was)), dict(_leaves("", now))
    for name in dict.fromkeys([*left, *right]):
        before, after = left.get(name, UNSAID), right.get(name, UNSAID)
        if before != after:
            yield name, _text(before), _text(after)


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value):
        for place, inner in enumerate(value):
            yield from _leaves(f"{prefix}[{place}]", inner)
    else:
        yield prefix, list(value) if isinstance(value, tuple) else value


def _files(was: Sequence[Sequence[Any]], now: Sequence[Sequence[Any]]) -> Iterator[Change]:
    """Rows of a listing: the path, then what is said of it, then size and time."""
    left, right = ({str(row[0]): list(row[1:]) for row in rows} for rows in (was, now))
    changed = [path for path in dict.fromkeys([*left, *right]) if left.get(path) != right.get(path)]
    for path in changed[:SHOWN]:
        if path not in left:
            yield Change("input", path, "not there", "new")
        elif path not in right:
            yield Change("input", path, "there", "gone")
        else:
            yield Change("input", path, "as it was", "changed")
    if len(changed) > SHOWN:
        yield Change("input", f"{len(changed) - SHOWN:,} more files", "as they were", "changed")


def _moved(was: Any, now: Any) -> str:
    before, after = set(_flat(was)), set(_flat(now))
    return f"{len(after)} pictures, {len(after - before)} of them others"


def _count(value: Any) -> int:
    return len(set(_flat(value)))


def _flat(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _flat(inner)]
    return [] if value is None else [str(value)]


def _short(value: Any) -> str:
    return UNSAID if value is None else str(value)[:12]


def _text(value: Any) -> str:
    return UNSAID if value is None else str(value)
