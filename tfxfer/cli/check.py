"""`tfxfer check`: every problem of a data set at once."""

from __future__ import annotations

from collections.abc import Mapping

import click

from tfxfer.catalogue.tasks import TASK_NAMES, TaskName
from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_facts, print_json
from tfxfer.errors import DataError


@click.command("check", short_help="Show every problem of a data set at once.")
@click.argument("data")
@click.option("--group-by", metavar="REGEX|COLUMN", help="What belongs together, as in the configuration.")
@click.option(
    "--task",
    type=click.Choice(TASK_NAMES),
    help="Which column of a manifest is the target; needed where it has several.",
)
@json_option
def command(data: str, group_by: str | None, task: TaskName | None, *, as_json: bool) -> None:
    """Look at every image of DATA: a folder, a CSV or TSV manifest, or embedded/digits.

    Exit code 1 where `run` would refuse the data.
    """
    from tfxfer.stages.tools import check_data

    report = check_data(data, group_by=group_by, task=task)
    problems = [problem for problem in report.get("problems", []) if isinstance(problem, Mapping)]
    if as_json:
        print_json(report)
    else:
        print_facts({name: value for name, value in report.items() if name != "problems"})
        for problem in problems:
            click.echo(f"{problem.get('severity', 'error')}: {problem.get('message')}")
    errors = sum(problem.get("severity", "error") == "error" for problem in problems)
    if errors:
        raise DataError(f"'{data}' has {errors} problem{'s' if errors > 1 else ''} that `run` would refuse.")
