"""`tfxfer cache`: what runs share, listed and thrown away."""

from __future__ import annotations

import datetime

import click

from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_json, print_table
from tfxfer.store.place import GB, cache_folder, cache_limit_bytes
from tfxfer.store.shared import SharedCache


@click.group("cache", short_help="What runs share: list it, or throw it away.")
def command() -> None:
    """Results that several runs share, in $TFXFER_CACHE or else the user's cache folder.

    They are kept within TFXFER_CACHE_GB gigabytes (20 by default, 0 for none): what was used longest ago goes first.
    """


@command.command("list", short_help="Every result, the one that was used longest ago first.")
@json_option
def list_entries(*, as_json: bool) -> None:
    """List every result that is kept for other runs."""
    cache = SharedCache(cache_folder(), cache_limit_bytes())
    entries = cache.entries()
    total = sum(entry.size_bytes for entry in entries)
    rows = [
        {"name": entry.name, "size_bytes": entry.size_bytes, "used": _moment(entry.used)} for entry in entries
    ]
    if as_json:
        value = {"path": str(cache.path), "size_bytes": total, "limit_bytes": cache.limit_bytes}
        print_json({**value, "entries": rows})
        return
    if rows:
        print_table(rows)
    click.echo(f"{len(rows)} results, {total:,} of {cache.limit_bytes:,} bytes, in '{cache.path}'")


@command.command("clean", short_help="Throw results away.")
@click.option(
    "--keep-gb",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Keep this many gigabytes of what was used last.",
)
def clean(keep_gb: float) -> None:
    """Throw away what is kept for other runs. Runs keep what they took."""
    cache = SharedCache(cache_folder(), cache_limit_bytes())
    removed = cache.shrink(int(keep_gb * GB))
    size = sum(entry.size_bytes for entry in removed)
    click.echo(f"{len(removed)} results with {size:,} bytes are gone from '{cache.path}'")


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
