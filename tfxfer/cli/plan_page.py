"""The page of `tfxfer plan`: what a run would do, in the order in which it does it, each thing with its reason."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

import click

from tfxfer.cli.output import bold, shown
from tfxfer.report import words

Plan = Mapping[str, Any]  # what `make_plan` returns
SOLVED = "solved at once, without epochs: the best linear head, its strength chosen on validation"
NARROW, WIDE = 40, 100  # columns of a terminal that lines are folded to; other readers get whole lines


def print_plan(plan: Plan, run_command: str) -> None:
    """The plan for people; `run_command` is what does it."""
    click.echo(f"{plan['name']}: what a run would do. Nothing is trained or written.")
    _data(plan)
    _backbone(plan)
    _gap(plan)
    _recipe(plan)
    _phases(plan)
    _exports(plan)
    _estimates(plan)
    for warning in plan["warnings"]:
        click.echo()
        _line("warning", warning, indent=0)
    click.echo(f"\nrun it: {run_command}")


def _data(plan: Plan) -> None:
    data = plan["data"]
    click.echo(_heading("data", "read, checked and split"))
    _line("train", f"{data['train']:,} images: what the network learns from")
    _line("validation", f"{data['validation']:,} images: choose epochs, rates and thresholds")
    _line("test", f"{data['test']:,} images: measure the result, and nothing else")
    _line("labels", f"{data['classes']:,} ({words.listed(data['labels'], 20)})")
    if data["bad_records"]:
        _line("left out", f"{data['bad_records']:,} that cannot be used")
    if data["duplicates"]:
        _line("duplicates", f"{data['duplicates']:,}: each stays in one split")


def _backbone(plan: Plan) -> None:
    found = plan["backbone"]
    click.echo(_heading("backbone", "the pretrained part of the network"))
    cut = "" if found["until"] is None else f", cut at {found['until']}"
    _line("name", f"{found['name']}{cut}, {found['parameters']:,} parameters")
    told = (found["weights"] or "its own", found["source"])
    _line("weights", ", ".join(str(part) for part in dict.fromkeys(told)))
    _line("licence", found["licence"])
    _line("input", f"images are resized to {' x '.join(map(str, found['image_size']))} (height x width)")
    _line("blocks", f"{len(found['blocks'])}, from input to output: {shown(found['blocks'])}")


def _gap(plan: Plan) -> None:
    summary = plan["domain_gap_summary"]
    click.echo(
        _heading("domain gap", "how far these images are from those the backbone learnt on; 0: not at all")
    )
    if summary["distance"] is None:
        _line("not measured", summary["why"])
        return
    _line("distance", f"{shown(summary['distance'])}, from {summary['images']:,} training images")
    _line("by block", ", ".join(f"{row['block']} {shown(row['distance'])}" for row in plan["domain_gap"]))


def _recipe(plan: Plan) -> None:
    recipe = plan["recipe"]
    gap_why = plan["domain_gap_summary"]["why"]
    why = recipe["why"] if gap_why is None else recipe["why"].replace(f" ({gap_why})", "")
    click.echo(
        _heading(
            "recipe",
            "which training suits these data: few or many images a class, near to the backbone's or far",
        )
    )
    _line(recipe["name"], why)
    for other in recipe["alternatives"]:
        if not other["taken"]:
            _line(f"if {other['case']}", other["does"])


def _phases(plan: Plan) -> None:
    click.echo(
        _heading("training", "phase by phase; none leaves the network worse on validation than it came")
    )
    for number, phase in enumerate(plan["phases"], start=1):
        rates = {"learning rate": phase["learning_rate"], **phase["learning_rates"]}
        epochs = f"up to {words.named(phase['epochs'], 'epoch')}, {shown(rates)}"
        _line(f"{number}. {phase['name']}", SOLVED if phase["solved"] else epochs)
        _line("learns", f"{phase['trainable_parameters']:,} weights: {phase['learns']}", indent=5)
        where = "" if phase["cached_boundary"] is None else f"all up to {phase['cached_boundary']}, "
        _line("frozen", f"{where}{phase['features']}", indent=5)
        if phase["cached_boundary"] is not None:
            engine = phase["feature_engine"] or "the fastest engine"
            _line("engine", f"{engine}: {phase['feature_engine_why']}", indent=5)
        _line("augment", f"{phase['augment']}; batch norm: {phase['batch_norm']}", indent=5)


def _exports(plan: Plan) -> None:
    if not plan["exports"]:
        click.echo(_heading("exports", "none"))
        return
    click.echo(_heading("exports", "each file must hold this against the trained network, or the run fails"))
    for entry in plan["exports"]:
        limits = [
            f"{name.replace('_', ' ')} {shown(limit)}" for name, limit in entry.items() if name != "file"
        ]
        _line(entry["file"], ", ".join(limits) or "no gate")


def _estimates(plan: Plan) -> None:
    found = plan["estimates"]
    disk = {"images": found["pictures_on_disk_bytes"], "frozen features": found["features_on_disk_bytes"]}
    click.echo(_heading("estimates", "rough, for this machine as it is now"))
    _line("time", f"about {words.seconds(found['seconds'])}")
    _line("disk", ", ".join(f"{words.size(value)} {name}" for name, value in disk.items()))
    _line("weights", f"{words.size(found['weights_bytes'])} as float32")
    _line("memory", f"{words.size(found['training_memory_bytes'])} for training, beside TensorFlow's own")


def _heading(name: str, meaning: str) -> str:
    return f"\n{bold(name)} ({meaning})"


def _line(name: str, text: object, *, indent: int = 2) -> None:
    """`name: text`, folded under itself on a terminal."""
    line = f"{' ' * indent}{name}: {text}"
    if sys.stdout.isatty():
        width = min(max(shutil.get_terminal_size().columns, NARROW), WIDE)
        line = textwrap.fill(
            line, width, subsequent_indent=" " * (indent + 4), break_long_words=False, break_on_hyphens=False
        )
    click.echo(line)
