"""`tfxfer export`: write and verify a bundle of a run, or of a model that tfxfer did not train."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.catalogue.formats import FORMATS, USUAL_FORMATS
from tfxfer.catalogue.ladder import precisions
from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.refused_formats import refusal
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import (
    input_dtype_option,
    json_option,
    model_option,
    out_option,
    overwrite_option,
    pixels_option,
)
from tfxfer.cli.output import print_json, warn
from tfxfer.cli.report_page import print_export


@click.command("export", short_help="Write and verify artifacts of a model.")
@model_option("A run directory, a .keras file or a SavedModel folder.")
@click.option(
    "--data",
    metavar="PATH",
    help="Labelled images that the artifacts are verified on. Without it, a run's own test split.",
)
@out_option("The bundle's folder.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[:PRECISION]",
    default=USUAL_FORMATS,
    show_default=True,
    callback=lambda ctx, param, value: tuple(_checked(name, ctx, param) for name in value),
    help="Repeatable.",
)
@click.option(
    "--with",
    "consumers",
    metavar="python,node,browser,rest",
    default="",
    help="Put programs beside the bundle that run it without TensorFlow.",
)
@pixels_option
@input_dtype_option
@overwrite_option
@json_option
def command(
    model: Path,
    data: str | None,
    out: Path,
    *,
    formats: tuple[str, ...],
    consumers: str,
    pixels: Pixels | None,
    input_dtype: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write artifacts, load each in its own runtime, and hold it against the model on DATA."""
    from tfxfer.stages.consumers import consumer_folders, put_consumers

    names = [name.strip() for name in consumers.split(",")] if consumers else []
    folders = consumer_folders(names, out, [name.partition(":")[0] for name in formats])
    prepare_tensorflow()
    from tfxfer.stages.tools import export_path

    report = export_path(
        model, data, out, formats=formats, pixels=pixels, input_dtype=input_dtype, overwrite=overwrite
    )
    warn(report)
    starts = put_consumers(folders, out)
    report |= {"consumers": [str(place) for place in folders.values()]} if folders else {}
    if as_json:
        print_json(report)
    else:
        print_export(report)
        for start in starts:
            click.echo(start)


def _checked(text: str, ctx: click.Context, param: click.Parameter) -> str:
    name, _, precision = text.partition(":")
    refused = refusal(name)
    if refused is not None:
        raise click.BadParameter(refused, ctx, param)
    if name not in FORMATS or precision not in ("", *precisions(name)):
        known = ", ".join(f"{each}:{one}" for each in FORMATS for one in precisions(each))
        raise click.BadParameter(f"expected one of {known}. Received: '{text}'.", ctx, param)
    return text
