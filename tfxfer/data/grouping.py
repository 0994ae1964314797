"""`group_by`: which examples belong together, so that one patient or burst stays on one side of a split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfxfer.errors import UsageError

COLUMN = "group"  # the manifest column that is used when group_by is not given


@dataclass(frozen=True, slots=True)
class Grouping:
    """Reads a record's group from a manifest column or from its path; without either there are no groups."""

    column: str | None = None
    pattern: re.Pattern[str] | None = None

    def group(self, path: str, row: Mapping[str, str]) -> str | None:
        """The group, or None where the record has none. ValueError where the pattern does not match."""
        if self.pattern is not None:
            return self._matched(self.pattern, path)
        return None if self.column is None else row[self.column] or None

    @staticmethod
    def _matched(pattern: re.Pattern[str], path: str) -> str:
        match = pattern.search(path)
        group = None if match is None else match.group(1)
        if not group:
            raise ValueError(
                f"'{path}' must match group_by. Received: {pattern.pattern!r}, which finds no group in it. "
                "Widen the pattern."
            )
        return group


def open_grouping(group_by: str | None, columns: Sequence[str] = ()) -> Grouping:
    """Understand `group_by`: a manifest column if one has this name, else a pattern with one group.

    Raises:
        UsageError: it is neither a column nor a regular expression with exactly one group.
    """
    if group_by is None:
        return Grouping(column=COLUMN if COLUMN in columns else None)
    if group_by in columns:
        return Grouping(column=group_by)
    return Grouping(pattern=_compiled(group_by, columns))


def _compiled(group_by: str, columns: Sequence[str]) -> re.Pattern[str]:
    known = f" or one of the columns {', '.join(columns)}" if columns else ""
    expected = (
        f"group_by must be a regular expression over the path with one group, like '(patient\\d+)_'{known}."
    )
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise UsageError(f"{expected} Received: {group_by!r} ({error}). Correct the pattern.") from error
    if pattern.groups != 1:
        raise UsageError(
            f"{expected} Received: {group_by!r} with {pattern.groups} groups. "
            "Put parentheses around the part that names the group; write (?:...) for others."
        )
    return pattern
