"""Results on stdout: one JSON document, or a page of headings, facts and tables."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence

import click

WIDTH = 160  # characters, where stdout is no terminal that would say


def print_json(value: object) -> None:
    """One JSON document; a number that is not finite is written as null."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("_", "-")
    text = json.dumps(
        _finite(value), indent=2, ensure_ascii=encoding != "utf-8", allow_nan=False, default=str
    )
    click.echo(text)


def warn(report: Mapping[str, object]) -> None:
    """A report's warnings, on stderr."""
    warnings = report.get("warnings")
    for text in warnings if isinstance(warnings, list | tuple) else ():
        click.echo(f"warning: {text}", err=True)


def print_page(page: Mapping[str, object]) -> None:
    """Each entry under its heading: a mapping as facts, a list of mappings as a table, a list as lines."""
    for heading, value in page.items():
        if value is None or value in ({}, [], ()):
            continue
        words = heading.replace("_", " ")
        if isinstance(value, Mapping):
            _heading(words)
            print_facts(value)
        elif isinstance(value, list | tuple):
            _heading(words)
            _print_entries(value)
        else:
            click.echo(f"{words}: {shown(value)}")


def print_facts(facts: Mapping[str, object]) -> None:
    """One `name: value` per line, values in one column."""
    width = max((len(name) for name in facts), default=0) + 1
    for name, value in facts.items():
        click.echo(f"  {name.replace('_', ' ') + ':':<{width}} {shown(value)}")


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> None:
    """A table; without `columns`, every key that some row has and whose values are short."""
    from rich.console import Console
    from rich.table import Table

    names = list(columns) or _columns(rows)
    table = Table(box=None, pad_edge=False, header_style="" if os.environ.get("NO_COLOR") else "bold")
    for name in names:
        numeric = all(isinstance(row.get(name, 0), int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(shown(row.get(name)) for name in names))
    width = None if sys.stdout.isatty() else WIDTH
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False)
    console.print(table)


def shown(value: object) -> str:
    """A value for people: thousands separated, four significant digits, lists in one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(shown(inner) for inner in value)
    return str(value)


def bold(words: str) -> str:
    """Words that stand out on a terminal, unless NO_COLOR is set."""
    return words if os.environ.get("NO_COLOR") else click.style(words, bold=True)


def _heading(words: str) -> None:
    click.echo(f"\n{bold(words)}")


def _print_entries(entries: Sequence[object]) -> None:
    rows = [entry for entry in entries if isinstance(entry, Mapping)]
    if len(rows) == len(entries):
        print_table(rows)
        return
    for entry in entries:
        click.echo(f"  {shown(entry)}")


def _columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if not any(isinstance(row.get(name), Mapping) for row in rows)]


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
