"""A hook of mkdocs: pages of the reference, written from the schema, the commands and the default gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from mkdocs.structure.files import File, Files

from tfxfer.catalogue.formats import FORMATS, task_gates
from tfxfer.catalogue.tasks import TASK_NAMES
from tfxfer.cli.main import commands as group
from tfxfer.config.json_schema import json_schema


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages to those of the folder."""
    pages = {"configuration": configuration(), "commands": commands(), "gates": gates()}
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def configuration() -> str:
    """Every key of a configuration, section by section, with its description."""
    schema = json_schema()
    lines = [
        "# Configuration",
        "",
        "Every key, as `tfxfer schema` describes it for editors. `tfxfer init` prints a complete, commented file.",
    ]
    for path, section in _sections(schema, schema, ""):
        lines += ["", f"## {path or 'Top level'}", ""]
        if section.get("description"):
            lines += [_cell(section["description"]), ""]
        lines += ["| key | default | what it is |", "|---|---|---|"]
        for key, entry in section["properties"].items():
            default = _default(entry.get("default"))
            lines.append(f"| `{key}` | {default} | {_cell(entry.get('description', ''))} |")
    return "\n".join(lines) + "\n"


def _sections(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str, seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Objects with keys of their own, outermost first, each by the path that a configuration reaches it at."""
    if "properties" in node:
        yield path, node
        for key, entry in node["properties"].items():
            inner = f"{path}.{key}" if path else key
            for reference, suffix in _references(entry):
                if reference not in seen:
                    name = reference.rpartition("/")[2]
                    yield from _sections(schema, schema["$defs"][name], inner + suffix, seen | {reference})


def _references(entry: Any, suffix: str = "") -> Iterator[tuple[str, str]]:
    """Where an entry's own keys are described; `[]` marks the entries of a list."""
    if isinstance(entry, Mapping):
        if "$ref" in entry:
            yield entry["$ref"], suffix
        for name in ("anyOf", "oneOf", "allOf"):
            for choice in entry.get(name, ()):
                yield from _references(choice, suffix)
        yield from _references(entry.get("items"), suffix + "[]")


def commands() -> str:
    """Every command with the text of its --help."""
    lines = [
        "# Commands",
        "",
        "Exit codes: 0 done and every gate holds; 1 the work failed or a gate did not hold;",
    ]
    lines += ["2 the command line or the configuration is wrong; 130 interrupted."]
    context = click.Context(group, info_name="tfxfer")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(
            command, info_name=name, parent=context, terminal_width=100, max_content_width=100
        )
        lines += ["", f"## tfxfer {name}", "", "```text", command.get_help(inner), "```"]
    return "\n".join(lines) + "\n"


def gates() -> str:
    """The default gates of every format, precision and task, with their reasons."""
    lines = [
        "# Gates",
        "",
        "A file that does not hold its gates is kept as `*.rejected`, and the run exits with 1. The defaults:",
        "`gates` in the configuration sets others for all files, `exports[].gates` for one.",
    ]
    for task in TASK_NAMES:
        lines += ["", f"## {task}", "", "| file | gate | limit | why |", "|---|---|---|---|"]
        for facts in FORMATS.values():
            for precision in facts.precisions:
                lines += [
                    f"| {facts.name}:{precision} | `{gate.name}` | {gate.limit:g} | {_cell(gate.reason)} |"
                    for gate in task_gates(facts.name, precision, task)
                ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text for a table: one line, and nothing that Markdown or HTML would take for its own."""
    escaped = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return escaped.replace("[", "\\[").replace("*", "\\*").replace("_", "\\_")


def _default(value: object) -> str:
    """As YAML writes it; sections, which have a table of their own, are left out."""
    if value is None or isinstance(value, dict) or (isinstance(value, list) and value):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
