"""What the schema cannot say: names in the catalogue, files on disk, keys that exclude each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tfxfer.catalogue.formats import CALIBRATED, FORMATS
from tfxfer.catalogue.schedules import schedule_problem
from tfxfer.config.document import Problem
from tfxfer.config.paths import EMBEDDED, is_address, is_path
from tfxfer.config.schema import DataConfig, ExportConfig, PhaseConfig, TrainingConfig
from tfxfer.config.spelling import did_you_mean

EMBEDDED_DATA = ("digits",)
MANIFEST_SUFFIXES = (".csv", ".tsv")


def check_data(data: DataConfig) -> Iterator[Problem]:
    """The data exist, the shares sum to 1, and a pattern for groups is a pattern."""
    if is_address(data.path):
        yield Problem(
            ("data", "path"),
            f"data.path must be a folder, a CSV or a TSV file. Received: '{data.path}'; addresses are not fetched. "
            "Download and unpack it, then name the folder.",
        )
    elif is_path(data.path):
        yield from _check_data_path(Path(data.path))
    elif (name := data.path.removeprefix(EMBEDDED)) not in EMBEDDED_DATA:
        hint = did_you_mean(name, EMBEDDED_DATA) or "."
        known = ", ".join(EMBEDDED + known for known in EMBEDDED_DATA)
        yield Problem(("data", "path"), f"embedded data must be {known}. Received: '{data.path}'{hint}")
    shares = data.splits
    total = shares.train + shares.validation + shares.test
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        yield Problem(
            ("data", "splits"),
            f"data.splits must sum to 1. Received: train {shares.train:g} + validation {shares.validation:g} "
            f"+ test {shares.test:g} = {total:.6g}. A share that is not given keeps its default.",
        )
    if data.group_by is not None and Path(data.path).suffix.lower() not in MANIFEST_SUFFIXES:
        yield from _check_pattern(data.group_by)


def _check_data_path(path: Path) -> Iterator[Problem]:
    place = ("data", "path")
    if not path.exists():
        yield Problem(
            place,
            f"data.path must be a folder, a CSV or a TSV file that exists. Received: '{path}'. "
            "A relative path starts from the folder of its configuration; with --set, from the current one.",
        )
    elif path.is_file() and path.suffix.lower() not in MANIFEST_SUFFIXES:
        yield Problem(
            place, f"data.path must be a folder, or a manifest ending in .csv or .tsv. Received: '{path}'."
        )


def _check_pattern(text: str) -> Iterator[Problem]:
    place, expected = ("data", "group_by"), "data.group_by must be a regular expression with one group (...)"
    try:
        groups = re.compile(text).groups
    except (re.error, RecursionError, OverflowError) as error:
        yield Problem(place, f"{expected}. Received: '{text}' ({error}).")
        return
    if groups != 1:
        yield Problem(place, f"{expected}. Received: '{text}' with {groups}. Write (?:...) for others.")


def check_training(training: TrainingConfig) -> Iterator[Problem]:
    """A recipe or phases, not both; phase names are unique; each phase makes sense."""
    if training.recipe is not None and training.phases:
        yield Problem(
            ("training", "recipe"),
            f"training takes a recipe or phases, not both. Received: recipe '{training.recipe}' "
            f"and {len(training.phases)} phases. Remove one of them.",
        )
    if training.recipe is None and not training.phases:
        yield Problem(
            ("training", "phases"), "training.phases must hold at least one phase. Add one, or name a recipe."
        )
    names = Counter(phase.name for phase in training.phases if phase.name is not None)
    for index, phase in enumerate(training.phases):
        if phase.name is not None and names[phase.name] > 1:
            yield Problem(
                ("training", "phases", index, "name"),
                f"phases must have different names. Received: '{phase.name}' twice.",
            )
        yield from _check_phase(phase, index)


def _check_phase(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    place = ("training", "phases", index)
    where = f"training.phases[{index}]"
    learns = phase.unfreeze != "none"
    if learns and "learning_rate" not in phase.model_fields_set and "*" not in phase.learning_rates:
        yield Problem(
            place,
            f"{where}.learning_rate must be given where the backbone learns (unfreeze: {_unfreeze(phase)}). "
            "1e-5 to 1e-4 is usual.",
        )
    yield from _check_unfreezings(phase, index)
    yield from _check_rates(phase, index)
    if phase.batch_norm == "learn" and not learns:
        yield Problem(
            (*place, "batch_norm"),
            f"{where}.batch_norm: learn needs blocks that learn. Received: unfreeze none. Set unfreeze.",
        )
    if phase.solver == "lbfgs" and (learns or phase.label_smoothing > 0):
        yield Problem(
            (*place, "solver"),
            f"{where}.solver: lbfgs solves a head on frozen features without label smoothing. Received: "
            f"unfreeze {_unfreeze(phase)}, label_smoothing {phase.label_smoothing:g}. Use solver: gradient.",
        )


def _unfreeze(phase: PhaseConfig) -> str:
    return phase.unfreeze if isinstance(phase.unfreeze, str) else "a list"


def _check_unfreezings(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    if isinstance(phase.unfreeze, str):
        return
    epochs = [line.epoch for line in phase.unfreeze]
    if epochs[0] != 0 or sorted(set(epochs)) != epochs or epochs[-1] >= phase.epochs:
        yield Problem(
            ("training", "phases", index, "unfreeze"),
            f"training.phases[{index}].unfreeze must begin at epoch 0, and each epoch be later than the last and below "
            f"the phase's {phase.epochs} epochs. Received: epochs {', '.join(map(str, epochs))}.",
        )


def _check_rates(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    place, where = ("training", "phases", index), f"training.phases[{index}]"
    if phase.learning_rates and phase.learning_rate_decay != 1.0:
        yield Problem(
            (*place, "learning_rate_decay"),
            f"{where} takes learning_rates or learning_rate_decay, not both. Remove one of them.",
        )
    if "head" in phase.learning_rates and phase.head_learning_rate is not None:
        yield Problem(
            (*place, "head_learning_rate"),
            f"{where} gives the head's rate twice: head_learning_rate, and 'head' in learning_rates. Remove one.",
        )
    problem = schedule_problem(phase.schedule, phase.schedule_options, phase.warmup_steps)
    if problem is not None:
        key, expected = problem
        received = phase.warmup_steps if key == "warmup_steps" else dict(phase.schedule_options)
        yield Problem((*place, key), f"{where}.{key} must be {expected}. Received: {received}.")


def check_exports(exports: tuple[ExportConfig, ...]) -> Iterator[Problem]:
    """No artifact is asked for twice, or in a precision that its format does not have."""
    seen: set[tuple[str, str]] = set()
    for index, export in enumerate(exports):
        key = (export.format, export.precision)
        known = FORMATS[export.format].precisions
        if export.precision not in known:
            yield Problem(
                ("exports", index, "precision"),
                f"exports[{index}].precision must be one that {export.format} is written in: {', '.join(known)}. "
                f"Received: '{export.precision}'.",
            )
        if export.calibration_images is not None and export.precision not in CALIBRATED:
            yield Problem(
                ("exports", index, "calibration_images"),
                f"exports[{index}].calibration_images is for {', '.join(CALIBRATED)}. Received: precision "
                f"'{export.precision}', which needs none. Remove the key.",
            )
        if key in seen:
            yield Problem(
                ("exports", index),
                f"exports[{index}] asks for {':'.join(key)} a second time. Remove one of them.",
            )
        seen.add(key)
