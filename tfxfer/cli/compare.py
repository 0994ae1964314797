"""`tfxfer compare`: does transfer help, and which backbone?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfxfer.cli.console import Console
from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.interrupts import Interrupts
from tfxfer.cli.options import config_argument, json_option, out_option, quiet_option, set_option
from tfxfer.cli.output import print_json, print_table
from tfxfer.errors import GateError, UsageError
from tfxfer.store.writable import require_writable

if TYPE_CHECKING:
    from tfxfer.stages.comparison import Comparing

DEFAULT_SIZES: tuple[int | None, ...] = (10, 50, None)


class SizesType(click.ParamType):
    """`--sizes`: images of a class, with commas between them; `all` is every one."""

    name = "sizes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, ...]:
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in str(value).split(",")]
        if not all(word == "all" or (word.isascii() and word.isdigit() and int(word) >= 1) for word in words):
            self.fail(
                f"must be whole numbers of at least 1, or 'all'. Received: '{value}'. Try 10,50,all.",
                param,
                ctx,
            )
        return tuple(None if word == "all" else int(word) for word in words)


@click.command("compare", short_help="Does transfer help, and which backbone?")
@config_argument
@click.option(
    "--backbones", metavar="A,B,C", help="Rank these: NAME, or NAME?alpha=0.35&image_size=192&weights=FILE."
)
@click.option("--max-latency-ms", type=click.FloatRange(min=0, min_open=True), help="Budget of --backbones.")
@click.option("--max-size-bytes", type=click.IntRange(min=1), help="Budget of --backbones.")
@click.option("--max-parameters", type=click.IntRange(min=1), help="Budget of --backbones.")
@click.option(
    "--sizes", type=SizesType(), metavar="N,N,all", help="Training images of each class. [10,50,all]"
)
@click.option(
    "--epochs", type=click.IntRange(min=2), help="Passes over the training images that each way may take."
)
@out_option("Where compare.json, the log and what is done are kept; nowhere by default.", required=False)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the race as a page: what learned when, curves, time and accuracy of every way.",
)
@set_option
@click.option("--resume", is_flag=True, help="Continue what is in --out: nothing that is done is done again.")
@json_option
@quiet_option
def command(
    config: Path,
    backbones: str | None,
    max_latency_ms: float | None,
    max_size_bytes: int | None,
    max_parameters: int | None,
    sizes: tuple[int | None, ...] | None,
    epochs: int | None,
    out: Path | None,
    page: Path | None,
    overrides: tuple[str, ...],
    *,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train from scratch, on frozen features, partly and fully fine-tuned, side by side at equal budget.

    With --backbones: rank backbones by a linear probe on their frozen features, beside latency, size and licence.
    """
    limits = {
        "--max-latency-ms": max_latency_ms,
        "--max-size-bytes": max_size_bytes,
        "--max-parameters": max_parameters,
    }
    race = {"--sizes": sizes, "--epochs": epochs, "--html": page}
    _refuse(race if backbones is not None else limits, backbones is not None)
    if resume and out is None:
        raise UsageError("--resume needs the folder to go on in. Received: no --out. Add --out DIR.")
    if page is not None and page.exists() and not resume:
        raise UsageError(f"--html must be a new file. Received: '{page}', which exists. Choose another name.")
    if page is not None:
        require_writable(page.parent, "--html")
    prepare_tensorflow()
    try:
        with Console(quiet=quiet) as console, Interrupts() as interrupts:
            from tfxfer.recipes.ranking import Budget
            from tfxfer.stages.compare_backbones import rank_backbones
            from tfxfer.stages.comparison import Comparing

            comparing = Comparing(out, resume, (console, interrupts))
            if backbones is None:
                result = _race(
                    config, overrides, DEFAULT_SIZES if sizes is None else sizes, epochs, comparing
                )
            else:
                budget = Budget(max_latency_ms, max_size_bytes, max_parameters)
                result = rank_backbones(config, backbones, budget, comparing, overrides=overrides)
    except KeyboardInterrupt:
        if out is not None:
            click.echo("what is done is kept; go on with the same command and --resume", err=True)
        raise
    if page is not None:
        _write_page(page, result)
    _print(result, as_json)
    _require_result(result)


def _refuse(options: Mapping[str, object], is_ranking: bool) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        needed = "a comparison without --backbones" if is_ranking else "--backbones"
        raise UsageError(f"{given[0]} is for {needed}. Received: {' and '.join(given)}. Leave it out.")


def _write_page(page: Path, result: Mapping[str, Any]) -> None:
    from tfxfer.report.race import render_race
    from tfxfer.store.atomic import write_text

    write_text(page, render_race(result))


def _race(
    config: Path,
    overrides: tuple[str, ...],
    sizes: tuple[int | None, ...],
    epochs: int | None,
    comparing: Comparing,
) -> dict[str, Any]:
    from tfxfer.config.read import read_config
    from tfxfer.stages.compare_recipes import Race, compare_recipes

    return compare_recipes(read_config(config, overrides), Race(sizes, epochs), comparing)


def _print(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
    elif result["kind"] == "backbones":
        print_backbones(result)
    else:
        print_race(result)


def print_backbones(result: Mapping[str, Any]) -> None:
    """The ranking as a table, then what is not in it and why."""
    columns = {
        "rank": "rank",
        "backbone": "backbone",
        "validation_accuracy": "validation",
        "test_accuracy": "test",
        "test_accuracy_interval": "95 % interval",
        "latency_ms_p50": "ms",
        "size_bytes": "bytes",
        "parameters": "parameters",
        "licence": "licence",
        "seconds": "seconds",
    }
    print_table([{name: row[key] for key, name in columns.items()} for row in result["backbones"]])
    for row in result["backbones"]:
        if row["status"] != "ranked":
            click.echo(f"{row['backbone']}: {row['status']}: {row['why']}")
    place = ", ".join(str(value) for value in result["machine"].values() if value)
    click.echo(
        f"accuracy of a linear probe on frozen features; ms of one picture, float32 LiteRT file, on {place} cores"
    )


def print_race(result: Mapping[str, Any]) -> None:
    """Every way on every size as a table, then the verdict for each size."""
    columns = {
        "size": "images a class",
        "arm": "way",
        "accuracy": "test",
        "accuracy_interval": "95 % interval",
        "trainable_parameters": "parameters that learn",
        "training_seconds": "training s",
        "feature_seconds": "features s",
    }
    print_table([{name: row.get(key) for key, name in columns.items()} for row in result["arms"]])
    for row in result["arms"]:
        if row["status"] != "trained":
            click.echo(f"{row['arm']}, {row['size']}: {row['status']}: {row['why']}")
    click.echo(f"equal: {result['equal']}")
    for verdict in result["verdicts"]:
        words = "not judged" if verdict["transfer"] is None else verdict["transfer"]
        click.echo(f"{verdict['size']} images of a class: transfer {words}: {verdict['why']}")


def _require_result(result: Mapping[str, Any]) -> None:
    rows = result["backbones"] if result["kind"] == "backbones" else result["arms"]
    if not any(row["status"] in ("ranked", "trained") for row in rows):
        reasons = "\n".join(f"- {row['why']}" for row in rows)
        raise GateError(f"compare must be able to measure one at least. Received: none.\n{reasons}")
