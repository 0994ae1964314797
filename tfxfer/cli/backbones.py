"""`tfxfer backbones`: the catalogue."""

from __future__ import annotations

import click

from tfxfer.catalogue.backbones import BACKBONES, BackboneFacts, backbone_facts
from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_facts, print_json, print_table


@click.command("backbones", short_help="List the pretrained backbones.")
@click.argument("name", required=False)
@json_option
def command(name: str | None, *, as_json: bool) -> None:
    """List the pretrained backbones, or show all that is known of one."""
    if name is None:
        _list(as_json)
    else:
        _show(backbone_facts(name if "/" in name else f"keras/{name}"), as_json)


def _list(as_json: bool) -> None:
    if as_json:
        print_json([as_dict(facts) for facts in BACKBONES.values()])
        return
    rows = [
        {
            "name": facts.name,
            "image size": f"{facts.image_size[0]} x {facts.image_size[1]}",
            "smallest": facts.min_size,
            "parameters": facts.parameters,
            "weights": ", ".join(facts.weights),
        }
        for facts in BACKBONES.values()
    ]
    print_table(rows)
    click.echo("\nAlso hub/FOLDER (a SavedModel in TF Hub's format) and file/PATH (a .keras file).")


def _show(facts: BackboneFacts, as_json: bool) -> None:
    if as_json:
        print_json(as_dict(facts))
    else:
        print_facts(as_dict(facts))


def as_dict(facts: BackboneFacts) -> dict[str, object]:
    """The facts as a JSON value."""
    return {
        "name": facts.name,
        "kind": facts.kind,
        "image_size": list(facts.image_size),
        "min_size": facts.min_size,
        "parameters": facts.parameters,
        "weights": list(facts.weights),
        "options": dict(facts.options),
        "pixels": facts.pixels.as_dict(),
        "source": facts.source,
        "licence": facts.licence,
    }
