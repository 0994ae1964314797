"""`tfxfer evaluate`: measure a run, a bundle's file, or a model of your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.tasks import TaskName
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import (
    input_dtype_option,
    json_option,
    model_option,
    out_option,
    overwrite_option,
    pixels_option,
    quiet_option,
    task_option,
)
from tfxfer.cli.output import print_facts, print_json, print_page, warn
from tfxfer.cli.working import working
from tfxfer.errors import UsageError
from tfxfer.store.writable import require_writable

METRICS_FILE = "metrics.json"


@click.command("evaluate", short_help="Measure a run, an artifact or a model of your own.")
@model_option("A run directory, a bundle, one of its files, a .keras file or a SavedModel folder.")
@click.option(
    "--data",
    metavar="PATH",
    help="A folder of labelled images, or a manifest. Without it, a run's own test split.",
)
@out_option(f"Also write {METRICS_FILE} there.", required=False)
@pixels_option
@task_option
@input_dtype_option
@overwrite_option
@json_option
@quiet_option
def command(
    model: Path,
    data: str | None,
    out: Path | None,
    *,
    pixels: Pixels | None,
    task: TaskName | None,
    input_dtype: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Accuracy with its interval, loss, per-class figures and calibration on labelled data."""
    target = None if out is None else _target(out, overwrite)
    prepare_tensorflow()
    with working(f"measuring {model}", quiet=quiet):
        from tfxfer.stages.tools import evaluate_path
        from tfxfer.store.atomic import write_json

        metrics = evaluate_path(model, data, pixels=pixels, input_dtype=input_dtype, task=task)
    if target is not None:
        write_json(target, metrics)
    warn(metrics)
    if as_json:
        print_json(metrics)
    else:
        _print(metrics)


def _target(out: Path, overwrite: bool) -> Path:
    target = out / METRICS_FILE
    if target.exists() and not overwrite:
        raise UsageError(f"'{target}' exists. Add --overwrite to replace it, or choose another --out.")
    require_writable(out)
    return target


def _print(metrics: Mapping[str, object]) -> None:
    print_facts({name: value for name, value in metrics.items() if name != "warnings" and _is_short(value)})
    if isinstance(classes := metrics.get("per_class"), list):
        print_page({"per_class": classes})


def _is_short(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 4 and not any(isinstance(entry, list | tuple | dict) for entry in value)
    return not isinstance(value, dict)
