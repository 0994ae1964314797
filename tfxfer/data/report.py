"""What a check found: every problem, which records are good, and the digest of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tfxfer.data.findings_values import values_summary
from tfxfer.data.problems import SEVERITIES, Problem, Severity
from tfxfer.data.records import Record
from tfxfer.data.targets import task_of
from tfxfer.store.fingerprint import value_sha256


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of one pass over a source; `digests` maps each path that could be read to its SHA-256."""

    name: str
    records: tuple[Record, ...]
    good: tuple[Record, ...]
    problems: tuple[Problem, ...]
    digests: Mapping[str, str]

    def of(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)

    @property
    def ok(self) -> bool:
        """No errors; warnings and notices do not count."""
        return not self.of("error")

    @property
    def classes(self) -> dict[str, int]:
        """Good examples of each label, sorted by label; none for a regression."""
        counts = Counter(label for record in self.good for label in record.label_set)
        return {label: counts[label] for label in sorted({x for r in self.records for x in r.label_set})}

    @property
    def duplicates(self) -> int:
        """Good records whose bytes another good record has already."""
        return len(self.good) - len({self.digests[record.path] for record in self.good})

    @property
    def fingerprint(self) -> str:
        """One SHA-256 over what the good records say and hold; other data never have the same."""
        return fingerprint(self.good, self.digests)

    def as_dict(self) -> dict[str, object]:
        """As JSON: counts, classes or the range of the values, and every problem."""
        task = task_of(self.records)
        values = {"values": values_summary(self.good)} if task == "regression" else {}
        return {
            "name": self.name,
            "task": task,
            "records": len(self.records),
            "good": len(self.good),
            "duplicates": self.duplicates,
            "classes": self.classes,
            **values,
            "counts": {severity: len(self.of(severity)) for severity in SEVERITIES},
            "problems": [problem.as_dict() for problem in self.problems],
        }


def fingerprint(records: tuple[Record, ...], digests: Mapping[str, str]) -> str:
    """One SHA-256 over the fields and the content of `records`, whatever their order."""
    rows = [
        [
            record.path,
            _target(record),
            record.split,
            record.group,
            record.weight,
            dict(record.columns),
            digests[record.path],
        ]
        for record in sorted(records, key=lambda record: record.path)
    ]
    return value_sha256(rows)


def _target(record: Record) -> str | list[str] | float:
    """Of another JSON type for each task, so that no two tasks have the same fingerprint."""
    if record.value is not None:
        return record.value
    return record.label or list(record.labels)
