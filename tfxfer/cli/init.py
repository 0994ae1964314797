"""`tfxfer init`: a configuration to start from."""

from __future__ import annotations

import click

from tfxfer.catalogue.tasks import TASK_NAMES
from tfxfer.errors import UsageError
from tfxfer.store.shipped import shipped


@click.command("init", short_help="Print a complete, commented configuration, or a program to copy.")
@click.option(
    "--task", default="classification", show_default=True, metavar="TASK", help="What is to be learnt."
)
@click.option("--program", metavar="NAME", help="Print a program of pipelines/ instead, by its name.")
def command(task: str, program: str | None) -> None:
    """Print a complete, commented configuration on stdout: `tfxfer init > config.yaml`.

    With --program: a short program to copy from, for stages inside a TensorFlow project of your own.
    """
    if program is not None:
        click.echo(_program(program), nl=False)
        return
    from tfxfer.config.template import template

    for name in TASK_NAMES:
        if task == name:
            click.echo(template(name), nl=False)
            return
    raise UsageError(f"--task must be {' or '.join(TASK_NAMES)}. Received: '{task}'.")


def _program(name: str) -> str:
    programs = {path.stem: path for path in sorted(shipped("pipelines").glob("*.py"))}
    if name not in programs:
        raise UsageError(f"--program must be one of {', '.join(programs)}. Received: '{name}'.")
    return programs[name].read_text(encoding="utf-8")
