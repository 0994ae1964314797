"""Units: the smallest sets of records that a split may not divide.

Records of one group belong together, and so do records with the same bytes; where a picture occurs in two
groups, the two groups do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfxfer.data.records import Record


@dataclass(frozen=True, slots=True)
class Unit:
    """Records that stay together; `keys` are its groups, or where it has none, the digest of its bytes."""

    keys: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def labels(self) -> frozenset[str]:
        """Every label that applies to any of the records; none for a regression."""
        return frozenset(label for record in self.records for label in record.label_set)

    def draw(self, seed: int) -> float:
        """A number in [0, 1) that depends on the seed and the unit's name alone, never on other units.

        A unit of several groups takes the smallest of their numbers, so that where a new file
        joins two groups, one of them at least keeps its number.
        """
        return min(_draw(seed, key) for key in self.keys)


def find_units(records: Sequence[Record], digests: Mapping[str, str]) -> tuple[Unit, ...]:
    """The units of `records`, ordered by their first path."""
    parents: dict[str, str] = {}
    for record in records:
        content, group = _content_key(record, digests), _group_key(record)
        _join(parents, content, content if group is None else group)
    members: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: record.path):
        members.setdefault(_root(parents, _content_key(record, digests)), []).append(record)
    return tuple(Unit(_names(found, digests), tuple(found)) for found in members.values())


def _names(records: list[Record], digests: Mapping[str, str]) -> tuple[str, ...]:
    groups = {_group_key(record) for record in records} - {None}
    contents = {_content_key(record, digests) for record in records}
    return tuple(sorted(str(group) for group in groups) if groups else sorted(contents))


def _content_key(record: Record, digests: Mapping[str, str]) -> str:
    return f"content:{digests[record.path]}"


def _group_key(record: Record) -> str | None:
    return None if record.group is None else f"group:{record.group}"


def _join(parents: dict[str, str], first: str, second: str) -> None:
    parents.setdefault(first, first)
    parents.setdefault(second, second)
    parents[_root(parents, first)] = _root(parents, second)


def _root(parents: dict[str, str], key: str) -> str:
    while parents[key] != key:
        parents[key] = parents[parents[key]]
        key = parents[key]
    return key


def _draw(seed: int, key: str) -> float:
    digest = hashlib.sha256(f"{seed}:{key}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)  # 53 bits: exact in a double, and below 1
