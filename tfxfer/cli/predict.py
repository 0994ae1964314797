"""`tfxfer predict`: what a network or an artifact says about images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import json_option, model_option, quiet_option
from tfxfer.cli.output import print_json, print_table
from tfxfer.cli.working import working


@click.command("predict", short_help="Say what images show.")
@model_option("A run directory, a bundle, or one of its files.")
@click.option(
    "--data", required=True, multiple=True, metavar="FOLDER|FILES", help="Images, or folders of images."
)
@click.argument("more", nargs=-1)
@json_option
@quiet_option
def command(model: Path, data: tuple[str, ...], more: tuple[str, ...], *, as_json: bool, quiet: bool) -> None:
    """The answer for each image and the numbers behind it; further files may follow the options."""
    prepare_tensorflow()
    with working(f"opening {model}, looking at the pictures", quiet=quiet):
        from tfxfer.stages.tools import predict_path

        report = predict_path(model, (*data, *more))
    if as_json:
        print_json(report)
        return
    predictions = [entry for entry in report["predictions"] if isinstance(entry, Mapping)]
    print_table([_row(entry) for entry in predictions])


def _row(entry: Mapping[str, object]) -> dict[str, object]:
    if "value" in entry:
        return {"path": entry.get("path"), "value": entry.get("value")}
    probabilities = entry.get("probabilities")
    if isinstance(labels := entry.get("labels"), list):
        return {"path": entry.get("path"), "labels": ", ".join(labels) or "none"}
    probability = probabilities.get(entry.get("label")) if isinstance(probabilities, Mapping) else None
    return {"path": entry.get("path"), "label": entry.get("label"), "probability": probability}
