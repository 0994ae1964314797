"""`tfxfer backbones`: the catalogue."""

from __future__ import annotations

from dataclasses import asdict

import click

from tfxfer.catalogue.backbones import BACKBONES, BackboneFacts, backbone_facts
from tfxfer.catalogue.hub_modules import FAMILIES, HubFacts, hub_facts
from tfxfer.catalogue.measured import METHOD, MeasuredExport, measured_blocks, measured_exports
from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_facts, print_json, print_table


@click.command("backbones", short_help="List the pretrained backbones.")
@click.argument("name", required=False)
@json_option
def command(name: str | None, *, as_json: bool) -> None:
    """List the pretrained backbones, or show all that is known of one."""
    if name is None:
        _list(as_json)
    elif (hub := hub_facts(name.removeprefix("hub/"))) is not None:
        _show_hub(name.removeprefix("hub/"), hub, as_json)
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
    families = ", ".join(family.name for family in FAMILIES)
    click.echo(
        "\nAlso hub/HANDLE: a SavedModel in TF Hub's format, from a folder, a .tar.gz, an https:// address or a Kaggle "
        f"handle. The contracts of these feature vectors are known: {families}; of others, set pixels. "
        "And file/PATH: a .keras or .h5 file; kerashub/PRESET: an image backbone of KerasHub; run/DIR: a finished run."
    )


def _show_hub(handle: str, facts: HubFacts, as_json: bool) -> None:
    found = {
        "name": f"hub/{handle}",
        "kind": "image",
        "family": facts.family,
        "image_size": None if facts.image_size is None else list(facts.image_size),
        "pixels": facts.pixels.as_dict(),
        "kaggle": f"hub/{facts.kaggle}",
        "source": facts.source,
    }
    if as_json:
        print_json(found)
    else:
        print_facts(found)


def _show(facts: BackboneFacts, as_json: bool) -> None:
    if as_json:
        print_json(as_dict(facts))
        return
    print_facts(as_dict(facts) | {"blocks": _blocks_line(facts.name), "exports": _exports_line(facts.name)})


def _blocks_line(name: str) -> str:
    blocks = measured_blocks(name)
    if not blocks:
        return "not known without building it: 'tfxfer plan' lists them"
    return f"{len(blocks)} from the input: {', '.join(blocks)}"


def _exports_line(name: str) -> str:
    exports = measured_exports(name)
    if not exports:
        return "not measured"
    words = [_export_words(entry) for entry in exports]
    side = exports[0].image_size
    return f"{', '.join(words)} of the largest logit in float32, at {side} x {side} ({METHOD})"


def _export_words(entry: MeasuredExport) -> str:
    if entry.relative_error is None:
        return f"{entry.format} FAILED ({entry.why})"
    return (
        f"{entry.format} {'known to work' if entry.works else 'DIFFERS'}, off by {entry.relative_error:.0e}"
    )


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
        "blocks": list(measured_blocks(facts.name)) or None,
        "exports": [asdict(entry) | {"works": entry.works} for entry in measured_exports(facts.name)],
    }
