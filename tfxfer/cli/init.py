"""`tfxfer init`: a configuration to start from."""

from __future__ import annotations

import click

from tfxfer.catalogue.tasks import TASK_NAMES
from tfxfer.errors import UsageError


@click.command("init", short_help="Print a complete, commented configuration.")
@click.option(
    "--task", default="classification", show_default=True, metavar="TASK", help="What is to be learnt."
)
def command(task: str) -> None:
    """Print a complete, commented configuration on stdout: `tfxfer init > config.yaml`."""
    from tfxfer.config.template import template

    for name in TASK_NAMES:
        if task == name:
            click.echo(template(name), nl=False)
            return
    raise UsageError(f"--task must be {' or '.join(TASK_NAMES)}. Received: '{task}'.")
