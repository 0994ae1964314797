"""What the single commands do: evaluate, export and predict, on paths."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data import ArraySplit
from tfxfer.errors import UsageError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.stages.artifacts import Wanted
from tfxfer.stages.export_model import export, parse_formats, refuse_existing
from tfxfer.stages.export_options import NO_OPTIONS, ExportOptions
from tfxfer.stages.held_out import Labelled, held_out, run_test_split
from tfxfer.stages.own_models import open_own, own_batches, own_size, run_network, score_own
from tfxfer.stages.predict import Loaded, is_run, load_predictor, predict
from tfxfer.verification.own_model import own_format


def predict_path(model: Path, data: Sequence[str]) -> dict[str, Any]:
    """The label and the probabilities of each picture, as `tfxfer predict --json` prints them."""
    return predict(model, data)


def evaluate_path(
    model: Path,
    data: str | None,
    *,
    pixels: Pixels | None = None,
    input_dtype: str | None = None,
    task: TaskName | None = None,
) -> dict[str, Any]:
    """The figures of a run, a bundle, a file or a user's own model on labelled data, as JSON values.

    Where the data come with splits, the test split is used; else all of them. Of a run, None means the
    test split of its own data. `task` is what a user's own model does; None says classification.

    Raises:
        DataError: bad records, or labels that the model does not know.
        UsageError: `model` is nothing that can be evaluated, or `data` is None and it is no run.
    """
    if own_format(model) is not None:
        asked = task or "classification"
        own = open_own(model, pixels, input_dtype)
        with held_out(_given(data), own_size(own), "stretch", task=asked) as found:
            metrics, warnings = score_own(own, found, pixels, asked)
        return {**metrics.as_dict(), **warnings}
    _refuse_own(model, pixels, input_dtype, task)
    loaded = load_predictor(model)
    with _labelled(model, loaded, data) as found:
        batches = own_batches(found.test, loaded.dtype)
        return evaluate(
            loaded.predictor, batches, labels=found.labels, task=loaded.task, decision=loaded.decision
        ).as_dict()


def export_path(
    model: Path,
    data: str | None,
    out: Path,
    *,
    formats: tuple[str, ...],
    pixels: Pixels | None = None,
    input_dtype: str | None = None,
    task: TaskName | None = None,
    options: ExportOptions = NO_OPTIONS,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Export a run's network or a user's own model, each file proven on labelled data; as JSON values.

    Of a run, `data` = None means the test split of its own data. `input_dtype` and `task` are those of a user's
    own model.

    Raises:
        UsageError: `out` exists, a format that does not exist, an option that suits no file, no training
            pictures for one that is calibrated, or `model` is nothing that can be exported.
        GateError: a gate does not hold; the bundle is written.
    """
    wanted = parse_formats(formats, {}, options=options)
    refuse_existing(out, overwrite)
    if own_format(model) is not None:
        asked = task or "classification"
        own = open_own(model, pixels, input_dtype)
        with held_out(_given(data), own_size(own), "stretch", task=asked) as found:
            train = _calibration(wanted, found)
            _, warnings = score_own(own, found, pixels, asked)
            report = export(
                own,
                out,
                formats,
                test=found.test,
                calibration=train,
                labels=found.labels,
                task=asked,
                input_dtype=input_dtype,
                options=options,
                overwrite=overwrite,
            )
        return {**report.as_dict(), **warnings}
    _refuse_own(model, pixels, input_dtype, task)
    loaded = run_network(model)
    with _labelled(model, loaded, data) as found:
        train = _calibration(wanted, found)
        report = export(
            loaded.predictor,
            out,
            formats,
            test=found.test,
            calibration=train,
            resize=loaded.rule,
            options=options,
            overwrite=overwrite,
        )
    return report.as_dict()


def _calibration(wanted: Sequence[Wanted], found: Labelled) -> ArraySplit | None:
    """The training pictures, where a file must be calibrated; never those that it is measured on."""
    needing = [entry.name for entry in wanted if entry.is_calibrated]
    if needing and found.train is None:
        raise UsageError(
            f"'{needing[0]}' needs training pictures to calibrate with. Received: data without a training split. "
            "Give --data with folders named train and test, or, of a run, leave --data out."
        )
    return found.train if needing else None


def _given(data: str | None) -> str:
    if data is None:
        raise UsageError(
            "labelled data are needed to measure on. Received: none. Give --data PATH; "
            "only a run directory has a test split of its own."
        )
    return data


def _labelled(model: Path, loaded: Loaded, data: str | None) -> AbstractContextManager[Labelled]:
    """The data given, or the run's own test split."""
    if data is None and is_run(model):
        return run_test_split(model)
    return held_out(
        _given(data), loaded.size, loaded.rule, loaded.labels, task=loaded.task, channels=loaded.channels
    )


def _refuse_own(model: Path, pixels: Pixels | None, input_dtype: str | None, task: TaskName | None) -> None:
    """What is said of models of one's own is known of a run and of what came out of one."""
    for option, value in (("--pixels", pixels), ("--input-dtype", input_dtype), ("--task", task)):
        if value is not None:
            raise UsageError(
                f"{option} is for models of your own, a .keras or .h5 file or a SavedModel. Received: '{model}', "
                f"which carries its own preprocessing and task. Leave {option} out."
            )
