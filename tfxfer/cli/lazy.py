"""A group of commands, each in a module of its own that is imported when it is needed."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping

import click

# In the order of a newcomer's day. Each module has one click command called `command`.
COMMANDS: Mapping[str, str] = {
    name: f"tfxfer.cli.{name.replace('-', '_')}"
    for name in (
        "init",
        "check",
        "plan",
        "run",
        "train",
        "compare",
        "find-lr",
        "report",
        "evaluate",
        "export",
        "predict",
        "verify",
        "sign",
        "demo",
        "explain",
        "cache",
        "benchmark",
        "backbones",
        "schema",
        "doctor",
    )
}


class LazyGroup(click.Group):
    """Lists and finds the commands of COMMANDS; a misspelt one is answered with the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(_unknown(name), ctx)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known commands: {', '.join(COMMANDS)}."
    return f"unknown command '{name}'; {hint}"
