"""`tfxfer run`: the whole pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.cli.options import config_argument, json_option, out_option, quiet_option, set_option
from tfxfer.cli.running import Invocation, carry_out


@click.command("run", short_help="Train, evaluate, export and verify.")
@config_argument
@out_option("The run directory: network, bundle and report. It must be new, unless --resume is given.")
@set_option
@click.option("--resume", is_flag=True, help="Continue what is there; start where nothing is.")
@json_option
@quiet_option
def command(
    config: Path, out: Path, overrides: tuple[str, ...], *, resume: bool, as_json: bool, quiet: bool
) -> None:
    """Train, evaluate, export and verify, as CONFIG says.

    Exit code 0 only if every gate holds.
    """
    from tfxfer.config.read import read_config

    settings = read_config(config, overrides)
    carry_out(settings, Invocation("run", config, out, overrides, resume), as_json=as_json, quiet=quiet)
