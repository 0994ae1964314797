"""`tfxfer plan`: what `run` would do."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import config_argument, json_option, quiet_option, set_option
from tfxfer.cli.output import print_json
from tfxfer.cli.plan_page import print_plan
from tfxfer.cli.working import working


@click.command("plan", short_help="Show what `run` would do.")
@config_argument
@set_option
@json_option
@quiet_option
def command(config: Path, overrides: tuple[str, ...], *, as_json: bool, quiet: bool) -> None:
    """Show what `run` would do with CONFIG: splits, phases, exports, estimated time and memory.

    Trains nothing and writes nothing.
    """
    from tfxfer.config.read import read_config

    settings = read_config(config, overrides)
    prepare_tensorflow()
    with working("reading the data, building the network", quiet=quiet):
        from tfxfer.stages.plan import make_plan

        plan = make_plan(settings)
    if as_json:
        print_json(plan)
    else:
        sets = [word for override in overrides for word in ("--set", override)]
        print_plan(plan, shlex.join(["tfxfer", "run", str(config), "--out", f"runs/{config.stem}", *sets]))
