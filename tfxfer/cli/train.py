"""`tfxfer train`: the pipeline without its exports."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.cli.options import config_argument, json_option, out_option, quiet_option, set_option
from tfxfer.cli.running import Invocation, carry_out


@click.command("train", short_help="Train and evaluate, export nothing.")
@config_argument
@out_option("The run directory. `tfxfer run` with --resume adds the exports later.")
@set_option
@click.option("--resume", is_flag=True, help="Continue what is there; start where nothing is.")
@json_option
@quiet_option
def command(
    config: Path, out: Path, overrides: tuple[str, ...], *, resume: bool, as_json: bool, quiet: bool
) -> None:
    """Train and evaluate as CONFIG says; export nothing."""
    from tfxfer.config.read import read_config

    settings = read_config(config, (*overrides, "exports=[]"))
    carry_out(settings, Invocation("train", config, out, overrides, resume), as_json=as_json, quiet=quiet)
