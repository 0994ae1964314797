"""`tfxfer report`: the page of a run, or several runs beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.cli.options import json_option, overwrite_option
from tfxfer.cli.output import print_json, print_page
from tfxfer.errors import UsageError


@click.command("report", short_help="(Re)build report.html, or compare runs.")
@click.argument(
    "runs", nargs=-1, required=True, metavar="DIR...", type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the page of several runs goes; without it they are compared here.",
)
@overwrite_option
@json_option
def command(runs: tuple[Path, ...], out: Path | None, *, overwrite: bool, as_json: bool) -> None:
    """(Re)build DIR/report.html from what the run directory holds; of several runs, compare them.

    Nothing is trained or measured again.
    """
    if len(runs) == 1:
        _rebuild(runs[0], out, as_json)
    else:
        _compare(runs, out, overwrite, as_json)


def _rebuild(run: Path, out: Path | None, as_json: bool) -> None:
    from tfxfer.stages.page import write_page
    from tfxfer.stages.run_directory import RunDirectory

    if out is not None:
        raise UsageError(
            f"--out is for several runs; one run's page is its report.html. Received: --out {out}. Leave it out."
        )
    found = RunDirectory(run)
    write_page(found)
    if as_json:
        print_json({"report": str(found.page)})
    else:
        click.echo(f"report: {found.page}")


def _compare(runs: tuple[Path, ...], out: Path | None, overwrite: bool, as_json: bool) -> None:
    from tfxfer.report.comparison import comparison_rows, render_comparison
    from tfxfer.report.finished import read_run
    from tfxfer.store.atomic import write_text

    if out is not None and out.exists() and not overwrite:
        raise UsageError(f"'{out}' exists. Add --overwrite to replace it, or choose another --out.")
    found = {str(path): read_run(path) for path in runs}
    table = comparison_rows(found)
    if out is not None:
        write_text(out, render_comparison(found))
    if as_json:
        print_json({"runs": table, "report": None if out is None else str(out)})
        return
    print_page({"runs": table})
    if out is not None:
        click.echo(f"report: {out}")
