"""`run` and `train` share how they start, end, fail and are interrupted."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfxfer.cli.console import Console
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.interrupts import Interrupts
from tfxfer.cli.output import print_json
from tfxfer.cli.report_page import print_report
from tfxfer.errors import GateError

if TYPE_CHECKING:
    from tfxfer.config.schema import Config


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was typed, to be typed again."""

    command: str
    config: Path
    out: Path
    overrides: tuple[str, ...] = ()
    resume: bool = False

    def resume_command(self) -> str:
        """The command line that goes on where this one stopped."""
        sets = [word for override in self.overrides for word in ("--set", override)]
        words = ["tfxfer", self.command, str(self.config), "--out", str(self.out), *sets, "--resume"]
        return shlex.join(words)


def carry_out(config: Config, invocation: Invocation, *, as_json: bool, quiet: bool) -> None:
    """Run the pipeline and print its report; a failed gate prints the report as well, then fails."""
    prepare_tensorflow()
    from tfxfer.stages.pipeline import run_pipeline

    out = invocation.out
    try:
        with Console(quiet=quiet) as console, Interrupts() as interrupts:
            listeners = (console, interrupts)
            report = run_pipeline(config, out, resume=invocation.resume, listeners=listeners)
    except GateError:
        _print_written(out, as_json)
        raise
    except (KeyboardInterrupt, OSError, MemoryError):  # a disk that is full, or can no longer be written
        if (out / "log.jsonl").is_file():
            click.echo(f"what is done is kept; go on with: {invocation.resume_command()}", err=True)
        raise
    if not report:
        click.echo("this worker's training is done; the chief writes the results", err=True)
        return
    _print(report, out, as_json)


def _print_written(out: Path, as_json: bool) -> None:
    if (file := out / "report.json").is_file():
        _print(json.loads(file.read_text(encoding="utf-8")), out, as_json)


def _print(report: dict[str, object], out: Path, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        print_report(report, out)
