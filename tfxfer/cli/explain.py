"""`tfxfer explain`: what is kept of a run, what would run again, and why."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import json_option, quiet_option, set_option
from tfxfer.cli.output import print_json
from tfxfer.cli.working import working


@click.command("explain", short_help="Which stages of a run are kept, and why others are not.")
@click.argument("run", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("config", required=False, type=click.Path(path_type=Path))
@set_option
@json_option
@quiet_option
def command(
    run: Path, config: Path | None, overrides: tuple[str, ...], *, as_json: bool, quiet: bool
) -> None:
    """Say which stages of the run in DIR are kept, which would run again, and which part of their key changed.

    With CONFIG as the next `run CONFIG --out DIR --resume` would find it; without, with DIR's own configuration.
    """
    from tfxfer.config.read import read_config

    settings = None
    if config is not None or overrides:
        settings = read_config(run / "config.yaml" if config is None else config, overrides)
    prepare_tensorflow()
    with working(f"looking at what is kept of {run}", quiet=quiet):
        from tfxfer.stages.explain import explain

        found = explain(run, settings)
    if as_json:
        print_json({"stages": [entry.as_dict() for entry in found]})
        return
    for entry in found:
        click.echo(f"{entry.stage}: {entry.status}")
        for reason in entry.why:
            click.echo(f"  {reason}")
