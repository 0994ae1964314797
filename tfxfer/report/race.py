"""The race of `tfxfer compare`: every way to train as it really went; its controls need no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tfxfer.report import words
from tfxfer.report.finished import number, numbers, rows
from tfxfer.report.plots.curves import Bounds, common_bounds, training_curves
from tfxfer.report.plots.race import accuracy_by_size

TITLES = {
    "frozen": "frozen: the head alone learns",
    "partial": "partly fine-tuned: the last blocks learn",
    "full": "fully fine-tuned: every block learns",
    "scratch": "from scratch: every block learns, from random weights",
}
TRANSFER = {"helps": "Transfer helps", "neutral": "Transfer is neutral", "hurts": "Transfer hurts"}
TONES = {"helps": "good", "hurts": "bad"}


@dataclass(frozen=True, slots=True)
class Strip:
    """One phase: which blocks learn, input to output, then the head."""

    name: str
    blocks: tuple[tuple[str, bool], ...]
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One way on one training set."""

    size: str
    arm: str
    title: str
    figures: tuple[tuple[str, str], ...]
    strips: tuple[Strip, ...]
    curves: Markup | None
    why: str  # it was not trained


def render_race(comparison: Mapping[str, Any]) -> str:
    """The page of a comparison, compare.json as JSON values; only what was trained is shown."""
    entries = rows(comparison, "arms")
    blocks = _blocks(entries)
    bounds = common_bounds([phase for entry in entries for phase in rows(entry, "phases")])
    lanes = tuple(_lane(entry, blocks, bounds, order) for order, entry in enumerate(entries))
    verdicts = [
        (str(entry.get("size")), _verdict(entry), _tone(entry)) for entry in rows(comparison, "verdicts")
    ]
    trained = [entry for entry in entries if number(entry, "accuracy") is not None]
    folder = files("tfxfer.report").joinpath("templates")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(folder.joinpath("race.html.j2").read_text("utf-8")).render(
        style=Markup(folder.joinpath("style.css").read_text("utf-8")),
        sizes=list(dict.fromkeys(lane.size for lane in lanes)),
        arms=list(dict.fromkeys(lane.arm for lane in lanes)),
        titles=TITLES,
        lanes=lanes,
        verdicts=verdicts,
        overview=accuracy_by_size(trained) if trained else None,
        equal=str(comparison.get("equal", "")),
        test_images=words.count(number(comparison, "test_images")),
    )


def _blocks(entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every block that some phase of some arm has unfrozen, input to output: the fullest list has them all."""
    lists = [phase.get("unfrozen_blocks") or () for entry in entries for phase in rows(entry, "phases")]
    return tuple(str(name) for name in max(lists, key=len, default=()))


def _lane(entry: Mapping[str, Any], blocks: Sequence[str], bounds: Bounds, order: int) -> Lane:
    arm, phases = str(entry.get("arm")), rows(entry, "phases")
    return Lane(
        size=str(entry.get("size")),
        arm=arm,
        title=TITLES.get(arm, arm),
        figures=_figures(entry) if phases else (),
        strips=tuple(_strip(phase, blocks) for phase in phases),
        curves=training_curves(phases, f"curves-{order}", bounds) if phases else None,
        why=str(entry.get("why") or ""),
    )


def _figures(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    bounds = words.interval(numbers(entry, "accuracy_interval"), shares=True)
    return (
        ("test accuracy", f"{words.share(number(entry, 'accuracy'))} (95 % interval {bounds})"),
        ("training pictures", words.count(number(entry, "images"))),
        ("weights that learn", words.count(number(entry, "trainable_parameters"))),
        ("training", words.seconds(number(entry, "training_seconds"))),
        ("features, computed once", words.seconds(number(entry, "feature_seconds"))),
    )


def _strip(phase: Mapping[str, Any], blocks: Sequence[str]) -> Strip:
    learning = {str(name) for name in phase.get("unfrozen_blocks") or ()}
    squares = tuple((name, name in learning) for name in blocks)
    epochs = words.named(int(phase.get("epochs") or 0), "epoch")
    how = "solved" if phase.get("solver") == "lbfgs" else epochs
    told = f"{how}, {words.seconds(number(phase, 'seconds'))}; {len(learning)} of {len(blocks)} blocks learn"
    return Strip(str(phase.get("phase") or phase.get("name")), (*squares, ("head", True)), told)


def _verdict(entry: Mapping[str, Any]) -> str:
    transfer = TRANSFER.get(str(entry.get("transfer")), "Not judged")
    return f"{transfer}: {entry.get('why')}."


def _tone(entry: Mapping[str, Any]) -> str:
    return TONES.get(str(entry.get("transfer")), "doubtful")
