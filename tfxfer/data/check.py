"""`check_source`: every problem of a data set, in one pass over it."""

from __future__ import annotations

from collections.abc import Sequence

from tfxfer.data.examine import Examined, Progress, examine_all
from tfxfer.data.findings import content_problems, target_problems
from tfxfer.data.names import similar_labels
from tfxfer.data.problems import SEVERITIES
from tfxfer.data.records import Source
from tfxfer.data.report import CheckReport
from tfxfer.data.targets import task_of


def check_source(
    source: Source, *, workers: int | None = None, progress: Progress | None = None
) -> CheckReport:
    """Read and decode every record once, in threads, and report all that is wrong; refuses nothing itself."""
    return build_report(source, examine_all(source, workers=workers, progress=progress))


def build_report(source: Source, examined: Sequence[Examined]) -> CheckReport:
    """The report of a pass that has been made over all of `source.records()`."""
    records = source.records()
    digests = {found.record.path: found.digest for found in examined if found.digest is not None}
    problems = [*source.problems(), *(found.problem for found in examined if found.problem is not None)]
    readable = [
        found.record for found in examined if found.problem is None or found.problem.severity != "error"
    ]
    problems += content_problems(readable, digests)
    dropped = {path for problem in problems for path in problem.drops}
    good = tuple(record for record in readable if record.path not in dropped)
    labels = sorted({label for record in records for label in record.label_set})
    problems += [*similar_labels(labels), *target_problems(task_of(records), good, labels, digests)]
    ordered = sorted(
        problems, key=lambda problem: (SEVERITIES.index(problem.severity), problem.kind, problem.paths)
    )
    return CheckReport(source.name, records, good, tuple(ordered), digests)
