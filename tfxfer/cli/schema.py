"""`tfxfer schema`: the JSON schema of configurations."""

from __future__ import annotations

import click

from tfxfer.cli.output import print_json


@click.command("schema", short_help="Print the JSON schema of configurations.")
def command() -> None:
    """Print the JSON schema of configurations, for editors that complete and check YAML."""
    from tfxfer.config.json_schema import json_schema

    print_json(json_schema())
