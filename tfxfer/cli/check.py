"""`tfxfer check`: every problem of a data set at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tfxfer.catalogue.tasks import TASK_NAMES, TaskName
from tfxfer.cli.options import json_option, quiet_option
from tfxfer.cli.output import print_facts, print_json, print_table
from tfxfer.cli.working import working
from tfxfer.errors import BackboneError, DataError, UsageError


@click.command("check", short_help="Show every problem of a data set at once.")
@click.argument("data")
@click.option("--group-by", metavar="REGEX|COLUMN", help="What belongs together, as in the configuration.")
@click.option(
    "--task",
    type=click.Choice(TASK_NAMES),
    help="Which column of a manifest is the target; needed where it has several.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path, file_okay=False),
    metavar="BUNDLE",
    help="Has anything drifted since? Compare the pictures, labelled or not, with the statistics in a bundle.",
)
@click.option(
    "--backbone",
    metavar="NAME[?KEY=VALUE&…]",
    help="Does this backbone, with its own classifier, know the pictures it should? Finds double scaling and swapped "
    "channels before training.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="With --backbone: the classifier's labels, one a line; DATA then has one folder per label.",
)
@json_option
@quiet_option
def command(
    data: str,
    group_by: str | None,
    task: TaskName | None,
    against: Path | None,
    backbone: str | None,
    labels: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Look at every image of DATA: a folder, a CSV or TSV manifest, or embedded/digits.

    Exit code 1 where `run` would refuse the data; with --against, where the pictures have drifted;
    with --backbone, where the backbone does not know them or other pixels fit it better.
    """
    if backbone is not None:
        others = (group_by, task, against)
        _check_backbone(data, backbone, labels, as_json=as_json, quiet=quiet, others=others)
        return
    if labels is not None:
        raise UsageError("--labels are of a backbone's classifier. Add --backbone, or leave them out.")
    if against is not None:
        _check_drift(data, against, as_json=as_json, quiet=quiet, others=(group_by, task))
        return
    with working(f"looking at {data}", quiet=quiet) as say:
        from tfxfer.data import check_source, open_source

        source = open_source(data, group_by=group_by, task=task)

        def tell(done: int, total: int) -> None:
            say(f"looking at {data}: {done:,} of {total:,} images")

        report = check_source(source, progress=tell).as_dict()
    _print_checked(data, report, as_json=as_json)


def _print_checked(data: str, report: Mapping[str, Any], *, as_json: bool) -> None:
    problems = [problem for problem in report.get("problems", []) if isinstance(problem, Mapping)]
    if as_json:
        print_json(report)
    else:
        print_facts({name: value for name, value in report.items() if name != "problems"})
        for problem in problems:
            click.echo(f"{problem.get('severity', 'error')}: {problem.get('message')}")
    errors = sum(problem.get("severity", "error") == "error" for problem in problems)
    if errors:
        raise DataError(
            f"'{data}' has {errors} problem{'s' if errors > 1 else ''} that `run` would refuse. Repair the data, or "
            "leave such images out with data.on_bad_record: skip (--set data.on_bad_record=skip)."
        )


def _check_backbone(
    data: str, backbone: str, labels: Path | None, *, as_json: bool, quiet: bool, others: Sequence[object]
) -> None:
    if any(other is not None for other in others):
        raise UsageError("--backbone looks at known pictures. Leave --group-by, --task and --against out.")
    with working(f"asking {backbone} about {data}", quiet=quiet):
        from tfxfer.config.backbone_text import parse_backbone
        from tfxfer.config.read import read_backbone
        from tfxfer.stages.backbone_check import check_known_pictures

        lines = None if labels is None else labels.read_text(encoding="utf-8").splitlines()
        report = check_known_pictures(read_backbone(parse_backbone(backbone)), data, lines)
    if as_json:
        print_json(report)
    else:
        print_facts({key: report[key] for key in ("backbone", "pictures", "recognised")})
        print_table(report["candidates"])
        for problem in report["problems"]:
            click.echo(f"error: {problem}")
    if not report["passed"]:
        raise BackboneError(f"'{backbone}' does not fit the pictures in '{data}': {report['problems'][0]}")


def _check_drift(
    data: str, against: Path, *, as_json: bool, quiet: bool, others: Sequence[str | None]
) -> None:
    if any(other is not None for other in others):
        raise UsageError("--against looks at pictures without their labels. Leave --group-by and --task out.")
    with working(f"holding {data} against {against}", quiet=quiet):
        from tfxfer.stages.drift import check_drift

        report = check_drift(data, against)
    if as_json:
        print_json(report)
    else:
        print_facts({name: value for name, value in report.items() if name != "statistics"})
        print_table(report["statistics"])
    if report["drift"]:
        raise DataError(
            f"'{data}' has drifted from what the bundle was measured on: {', '.join(report['drifted'])}."
        )
