"""`tfxfer init`: a configuration to start from."""

from __future__ import annotations

import click

from tfxfer.errors import UsageError


@click.command("init", short_help="Print a complete, commented configuration.")
@click.option(
    "--task", default="classification", show_default=True, metavar="TASK", help="What is to be learnt."
)
def command(task: str) -> None:
    """Print a complete, commented configuration on stdout: `tfxfer init > config.yaml`."""
    from tfxfer.config.template import TASKS, template

    if task not in TASKS:
        raise UsageError(
            f"--task must be {' or '.join(TASKS)} in this version of tfxfer. Received: '{task}'."
        )
    click.echo(template(task), nl=False)
