"""What can be wrong with a data set: one value per finding, all collected before anything is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "notice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    `drops` are the paths that `on_bad_record: skip` leaves out to be rid of it; an error that names
    none, such as a class with too few examples, cannot be skipped.
    """

    kind: str
    severity: Severity
    paths: tuple[str, ...]
    message: str
    drops: tuple[str, ...] = ()

    @property
    def skippable(self) -> bool:
        return self.severity != "error" or bool(self.drops)

    def as_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "severity": self.severity,
            "paths": list(self.paths),
            "message": self.message,
            "drops": list(self.drops),
        }


def bad_record(kind: str, path: str, message: str) -> Problem:
    """An error of one record, which `skip` leaves out."""
    return Problem(kind, "error", (path,), message, drops=(path,))


def shown(values: Iterable[object], limit: int = 5) -> str:
    """The first `limit` values in quotes, and how many more there are."""
    texts = [f"'{value}'" for value in values]
    rest = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {rest:,} more" if rest > 0 else "")
