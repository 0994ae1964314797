"""`tfxfer benchmark`: latency, throughput, load time, size and memory of exported files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.tasks import TaskName
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import (
    device_logs_option,
    json_option,
    overwrite_option,
    pixels_option,
    quiet_option,
    task_option,
)
from tfxfer.cli.output import print_json, print_page, warn
from tfxfer.errors import UsageError
from tfxfer.store.writable import require_writable

FILE = "benchmark.json"
HIDDEN = ("status", "runs")


class NumbersType(click.ParamType):
    """Whole numbers separated by commas."""

    name = "numbers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(
                f"expected whole numbers separated by commas, such as 1,2. Received: {value}.", param, ctx
            )


@click.command("benchmark", short_help="Time the files of a run or a bundle, or one file.")
@click.option(
    "--model",
    "models",
    required=True,
    multiple=True,
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="A run directory, a bundle, one of its files, or your own .keras file or SavedModel. Twice: compare the two.",
)
@click.option(
    "--data",
    metavar="PATH",
    help="Labelled images: measure accuracy and its drop on them. Without it, what the run's report says.",
)
@pixels_option
@task_option
@click.option("--threads", type=NumbersType(), metavar="N,...", help="CPU threads. Default: 1 and all cores.")
@click.option("--batch", "batches", type=NumbersType(), default=(1, 8), metavar="N,...", help="Default: 1,8.")
@click.option(
    "--runs", default=50, show_default=True, help="Predictions that are timed, after 5 that are not."
)
@device_logs_option("; the file's name is the device's")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=f"Also write {FILE} there."
)
@overwrite_option
@json_option
@quiet_option
def command(
    models: tuple[Path, ...],
    threads: tuple[int, ...] | None,
    batches: tuple[int, ...],
    *,
    data: str | None,
    pixels: Pixels | None,
    task: TaskName | None,
    runs: int,
    logs: tuple[Path, ...],
    out: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Latency by threads and batch, throughput, load time, size and peak memory, beside accuracy and its drop.

    Each file runs alone in a process of its own. Accuracy is measured on --data, or what the run's report.json
    says of the file. The drop is from the run's network, else from the first float32 file, else the first file.
    """
    for option, value in (("--pixels", pixels), ("--task", task)):
        if value is not None and data is None:
            raise UsageError(
                f"{option} says how --data are scored. Received: {option} without --data. Add --data."
            )
    target = None if out is None else _target(out, overwrite)
    prepare_tensorflow()
    from tfxfer.stages.benchmark import benchmark
    from tfxfer.stages.benchmark_scores import Labelling
    from tfxfer.store.atomic import write_json
    from tfxfer.verification.benchmark import Load
    from tfxfer.verification.device_log import read_device_log

    cores = os.cpu_count() or 1
    load = Load(tuple(dict.fromkeys((1, cores))) if threads is None else threads, batches, runs)
    devices = tuple(entry for log in logs for entry in read_device_log(log))
    listen = (lambda text: None) if quiet else (lambda text: click.echo(text, err=True))
    labelling = None if data is None else Labelling(data, pixels, task)
    found = benchmark(models, load, device_figures=devices, labelling=labelling, listen=listen)
    if target is not None:
        write_json(target, found)
    warn(found)
    if as_json:
        print_json(found)
    else:
        _print(found, several=len(models) > 1)


def _target(out: Path, overwrite: bool) -> Path:
    target = out / FILE
    if target.exists() and not overwrite:
        raise UsageError(f"'{target}' exists. Add --overwrite to replace it, or choose another --out.")
    require_writable(out)
    return target


def _print(found: Mapping[str, object], *, several: bool) -> None:
    hidden = HIDDEN if several else (*HIDDEN, "model")
    for part in ("rows", "devices", "comparison"):
        rows = found.get(part)
        if isinstance(rows, list):
            heading = "this machine" if part == "rows" else part
            print_page({heading: [{k: v for k, v in row.items() if k not in hidden} for row in rows]})
    facts = found["machine"]
    assert isinstance(facts, Mapping)
    click.echo(
        f"\nmeasured on {facts['processor']}, {facts['cpu_cores']} cores; another device may rank them otherwise"
    )
