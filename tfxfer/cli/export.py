"""`tfxfer export`: write and verify a bundle of a run, or of a model that tfxfer did not train."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from tfxfer.catalogue.formats import FORMATS, USUAL_FORMATS
from tfxfer.catalogue.golden import GOLDEN_SOURCES, GoldenSource
from tfxfer.catalogue.ladder import OnFailure, precisions
from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.refused_formats import refusal
from tfxfer.catalogue.tasks import TaskName
from tfxfer.catalogue.write_options import DEFAULT_OPSET, OPSETS, Granularity, OutputDtype
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import (
    device_logs_option,
    json_option,
    model_option,
    out_option,
    overwrite_option,
    pixels_option,
    quiet_option,
    task_option,
)
from tfxfer.cli.output import print_json, warn
from tfxfer.cli.report_page import print_export
from tfxfer.cli.working import working


@click.command("export", short_help="Write and verify artifacts of a model.")
@model_option("A run directory, or your own .keras or .h5 file or SavedModel folder.")
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
@task_option
@click.option(
    "--input-dtype",
    type=click.Choice(["uint8", "float32", "int8"]),
    help="uint8 or float32: the input of a user's own model. int8: that of litert:int8, the pixel less 128.",
)
@click.option(
    "--output-dtype",
    type=click.Choice(get_args(OutputDtype)),
    help="Of litert:int8; integers for chips without floats. Default: float32.",
)
@click.option("--opset", type=int, help=f"Of onnx: {OPSETS[0]} to {OPSETS[-1]}. Default: {DEFAULT_OPSET}.")
@click.option(
    "--granularity",
    type=click.Choice(get_args(Granularity)),
    help="Of weights in integers: a scale for each channel (the default), or one for each tensor.",
)
@click.option(
    "--on-failure",
    type=click.Choice(get_args(OnFailure)),
    help="ladder: where a gate fails, try the other precisions and keep the smallest that holds every gate.",
)
@click.option(
    "--golden",
    type=click.Choice(GOLDEN_SOURCES),
    help="generated: the bundle's golden inputs are made, and no picture of the data is in it. Default: held_out.",
)
@device_logs_option(": litert:fastest is then the fastest there")
@overwrite_option
@json_option
@quiet_option
def command(
    model: Path,
    data: str | None,
    out: Path,
    *,
    formats: tuple[str, ...],
    consumers: str,
    pixels: Pixels | None,
    task: TaskName | None,
    input_dtype: str | None,
    output_dtype: OutputDtype | None,
    opset: int | None,
    granularity: Granularity | None,
    on_failure: OnFailure | None,
    golden: GoldenSource | None,
    logs: tuple[Path, ...],
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write artifacts, load each in its own runtime, and hold it against the model on DATA."""
    from tfxfer.stages.consumers import consumer_folders, put_consumers

    names = [name.strip() for name in consumers.split(",")] if consumers else []
    folders = consumer_folders(names, out, [name.partition(":")[0] for name in formats])
    prepare_tensorflow()
    from tfxfer.stages.export_options import ExportOptions
    from tfxfer.stages.tools import export_path
    from tfxfer.verification.device_log import read_device_log

    device = tuple(entry for log in logs for entry in read_device_log(log))
    is_int8 = input_dtype == "int8"
    with working(f"writing {', '.join(formats)}, and running each in its own runtime", quiet=quiet):
        report = export_path(
            model,
            data,
            out,
            formats=formats,
            pixels=pixels,
            input_dtype=_own_input(model) if is_int8 else input_dtype,
            task=task,
            options=ExportOptions(
                opset,
                granularity,
                "int8" if is_int8 else None,
                output_dtype,
                on_failure,
                golden=golden,
                device=device,
            ),
            overwrite=overwrite,
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


def _own_input(model: Path) -> str | None:
    """What an int8 input stands for: the bytes of a user's own model; a run's network takes them anyway."""
    from tfxfer.verification.own_model import own_format

    return None if own_format(model) is None else "uint8"


def _checked(text: str, ctx: click.Context, param: click.Parameter) -> str:
    name, _, precision = text.partition(":")
    refused = refusal(name)
    if refused is not None:
        raise click.BadParameter(refused, ctx, param)
    if name not in FORMATS or precision not in ("", *precisions(name)):
        known = ", ".join(f"{each}:{one}" for each in FORMATS for one in precisions(each))
        raise click.BadParameter(f"expected one of {known}. Received: '{text}'.", ctx, param)
    return text
