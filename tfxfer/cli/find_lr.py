"""`tfxfer find-lr`: a learning-rate range test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tfxfer.cli.console import Console
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.interrupts import Interrupts
from tfxfer.cli.options import (
    config_argument,
    json_option,
    out_option,
    overwrite_option,
    quiet_option,
    set_option,
)
from tfxfer.cli.output import print_facts, print_json, shown

STEPS = 150


@click.command("find-lr", short_help="Which learning rate? A range test, with plot and suggestion.")
@config_argument
@out_option("Where find_lr.json and find_lr.png are written; nowhere by default.", required=False)
@click.option(
    "--steps", type=click.IntRange(10, 500), default=STEPS, show_default=True, help="Batches, at most."
)
@overwrite_option
@set_option
@json_option
@quiet_option
def command(
    config: Path,
    out: Path | None,
    steps: int,
    overrides: tuple[str, ...],
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Let the rate grow batch by batch until the loss runs away, in the first phase of CONFIG that has a rate.

    A head that is solved has none: it is solved, and the test is of the phase after it. Nothing is trained.
    """
    from tfxfer.config.read import read_config

    settings = read_config(config, overrides)
    prepare_tensorflow()
    from tfxfer.stages.find_lr import find_lr

    with Console(quiet=quiet) as console, Interrupts() as interrupts:
        found = find_lr(settings, out, steps=steps, overwrite=overwrite, listeners=(console, interrupts))
    if as_json:
        print_json(found)
    else:
        _print(found, out)


def _print(found: Mapping[str, Any], out: Path | None) -> None:
    click.echo(f"phase '{found['phase']}' ({found['why']}), {len(found['rates'])} steps")
    end = "did not diverge" if found["diverged_at"] is None else f"diverged at {shown(found['diverged_at'])}"
    print_facts({**found["suggestions"], "the loss": end, "planned": found["planned"]})
    click.echo(f"suggested learning rate: {shown(found['suggestion'])}")
    if out is not None:
        click.echo(f"plot: {out / 'find_lr.png'}")
