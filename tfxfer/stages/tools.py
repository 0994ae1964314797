"""What the single commands do: evaluate, export and predict, on paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.catalogue.inputs import Size
from tfxfer.catalogue.pixels import RAW, Pixels
from tfxfer.data import ArraySplit
from tfxfer.errors import DataError, UsageError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.metrics import ClassificationMetrics, Metrics
from tfxfer.runtimes.keras_file import is_exported
from tfxfer.runtimes.outputs import Outputs
from tfxfer.stages.artifacts import Wanted
from tfxfer.stages.export_model import export, parse_formats, refuse_existing
from tfxfer.stages.export_options import NO_OPTIONS, ExportOptions
from tfxfer.stages.held_out import Labelled, held_out, run_test_split
from tfxfer.stages.predict import Loaded, is_run, load_predictor, predict
from tfxfer.verification.own_model import MODEL_SUFFIXES, open_own_model, own_format
from tfxfer.verification.reference import BATCH_SIZE

if TYPE_CHECKING:
    import keras


def predict_path(model: Path, data: Sequence[str]) -> dict[str, Any]:
    """The label and the probabilities of each picture, as `tfxfer predict --json` prints them."""
    return predict(model, data)


def evaluate_path(
    model: Path, data: str | None, *, pixels: Pixels | None = None, input_dtype: str | None = None
) -> dict[str, Any]:
    """The figures of a run, a bundle, a file or a user's own model on labelled data, as JSON values.

    Where the data come with splits, the test split is used; else all of them. Of a run, None means the
    test split of its own data.

    Raises:
        DataError: bad records, or labels that the model does not know.
        UsageError: `model` is nothing that can be evaluated, or `data` is None and it is no run.
    """
    if model.suffix in MODEL_SUFFIXES and not is_exported(model):
        own = load_own_model(model, pixels, input_dtype)
        with held_out(_given(data), _size(own), "stretch") as found:
            metrics = _score_own(own, found.test, found.labels)
        return {**metrics.as_dict(), **_warnings(metrics, pixels)}
    if own_format(model) == "saved_model":
        return _evaluate_saved_model(model, _given(data), pixels, input_dtype)
    _refuse_pixels(model, pixels, input_dtype)
    loaded = load_predictor(model)
    with _labelled(model, loaded, data) as found:
        batches = _batches(found.test, loaded.dtype)
        return evaluate(
            loaded.predictor, batches, labels=found.labels, task=loaded.task, decision=loaded.decision
        ).as_dict()


def _evaluate_saved_model(
    path: Path, data: str, pixels: Pixels | None, input_dtype: str | None
) -> dict[str, Any]:
    """A user's own SavedModel on RGB 0-255, brought to `pixels` in front of it."""
    from tfxfer.network.preprocess import Preprocess

    if input_dtype is not None:
        raise UsageError("--input-dtype is for .keras and .h5 models. Received: a SavedModel. Leave it out.")
    own = open_own_model(path)
    height, width, channels = own.input_shape
    if channels != 3:
        raise UsageError(
            f"'{path}' must take pictures, (N, H, W, 3). Received: {own.input_shape} for one. "
            "Score it with tfxfer.evaluate on batches of yours."
        )
    prepare = Preprocess.of(RAW if pixels is None else pixels)

    def predict(images: np.ndarray) -> Outputs:
        return own.predict(np.asarray(prepare(images)).astype(own.input_dtype, copy=False))

    with held_out(data, (height, width), "stretch") as found:
        classes = predict(np.zeros((1, height, width, channels), np.uint8)).logits.shape[1]
        _require_classes(classes, found.labels)
        metrics = evaluate(predict, _batches(found.test, np.dtype(np.uint8)), labels=found.labels)
    return {**metrics.as_dict(), **_warnings(metrics, pixels)}


def export_path(
    model: Path,
    data: str | None,
    out: Path,
    *,
    formats: tuple[str, ...],
    pixels: Pixels | None = None,
    input_dtype: str | None = None,
    options: ExportOptions = NO_OPTIONS,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Export a run's network or a user's own model, each file proven on labelled data; as JSON values.

    Of a run, `data` = None means the test split of its own data. `input_dtype` is that of a user's own model.

    Raises:
        UsageError: `out` exists, a format that does not exist, an option that suits no file, no training
            pictures for one that is calibrated, or `model` is nothing that can be exported.
        GateError: a gate does not hold; the bundle is written.
    """
    wanted = parse_formats(formats, {}, options=options)
    refuse_existing(out, overwrite)
    if model.suffix in MODEL_SUFFIXES and not is_exported(model):
        own = load_own_model(model, pixels, input_dtype)
        with held_out(_given(data), _size(own), "stretch") as found:
            train = _calibration(wanted, found)
            metrics = _score_own(own, found.test, found.labels)
            report = export(
                own,
                out,
                formats,
                test=found.test,
                calibration=train,
                labels=found.labels,
                input_dtype=input_dtype,
                options=options,
                overwrite=overwrite,
            )
        return {**report.as_dict(), **_warnings(metrics, pixels)}
    _refuse_pixels(model, pixels, input_dtype)
    loaded = _run_network(model)
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
    return held_out(_given(data), loaded.size, loaded.rule, loaded.labels, task=loaded.task)


def _score_own(model: keras.Model, split: ArraySplit, labels: Sequence[str]) -> Metrics:
    _check_classes(model, labels)
    return evaluate(model, _batches(split, np.dtype(model.inputs[0].dtype)), labels=labels)


def load_own_model(path: Path, pixels: Pixels | None, input_dtype: str | None) -> keras.Model:
    """A user's model file, with `pixels` put in front of it where they are given, so that it takes RGB 0-255.

    Raises:
        NetworkError: the file cannot be read, or would run code.
        UsageError: its input is no picture of a fixed size, or `pixels` for one that takes bytes.
    """
    import keras

    from tfxfer.backbones.model_file import load_model_file
    from tfxfer.network.preprocess import Preprocess

    model = load_model_file(path)
    shape = tuple(model.inputs[0].shape)
    if len(model.inputs) != 1 or len(shape) != 4 or None in shape[1:] or shape[3] != 3:
        raise UsageError(
            f"'{path}' must take pictures of one size, (N, H, W, 3). Received: {[i.shape for i in model.inputs]}. "
            "Export it from Python with tfxfer.export, which takes any input."
        )
    if pixels is None or pixels == RAW:
        return model
    if model.inputs[0].dtype == "uint8":
        raise UsageError(
            f"--pixels is for models that take scaled floats. Received: '{path}', whose input is uint8 already. "
            "Leave --pixels out."
        )
    image = keras.Input(shape[1:], dtype="float32" if input_dtype is None else input_dtype, name="image")
    return keras.Model(image, model(Preprocess.of(pixels)(image)), name=model.name)


def _batches(split: ArraySplit, dtype: np.dtype) -> Iterator[tuple[np.ndarray, ...]]:
    for images, *rest in split.weighted_batches(BATCH_SIZE):
        yield images.astype(dtype, copy=False), *rest


def _size(model: keras.Model) -> Size:
    height, width = model.inputs[0].shape[1:3]
    return int(height), int(width)


def _check_classes(model: keras.Model, labels: Sequence[str]) -> None:
    _require_classes(model.outputs[0].shape[-1], labels)


def _require_classes(classes: int, labels: Sequence[str]) -> None:
    if classes != len(labels):
        raise DataError(
            f"the data must have the model's {classes} classes, in the alphabetical order of their folders. "
            f"Received: {len(labels)}: {', '.join(labels[:20])}. Add the missing folders."
        )


def _warnings(metrics: Metrics, pixels: Pixels | None) -> dict[str, Any]:
    """A model that answers like chance has most likely been given other pixels than it was trained on."""
    if not isinstance(metrics, ClassificationMetrics):
        return {}
    largest = max((entry.support for entry in metrics.per_class), default=0) / max(metrics.n, 1)
    chance = max(largest, 1 / len(metrics.per_class))
    if metrics.accuracy_interval[0] > chance:
        return {}
    given = "RGB 0-255" if pixels is None else "the --pixels given"
    text = (
        f"accuracy {metrics.accuracy:.3f} is no better than always giving the most frequent class ({chance:.3f}). "
        f'The model was given {given}; if it was trained on another range, say so: --pixels "[0,1]" or "[-1,1]".'
    )
    return {"warnings": [text]}


def _refuse_pixels(model: Path, pixels: Pixels | None, input_dtype: str | None) -> None:
    for option, value in (("--pixels", pixels), ("--input-dtype", input_dtype)):
        if value is not None:
            raise UsageError(
                f"{option} is for .keras and .h5 models. Received: '{model}', which carries its own preprocessing. "
                f"Leave {option} out."
            )


def _run_network(model: Path) -> Loaded:
    if not is_run(model):
        raise UsageError(
            f"export takes a run directory, or a .keras or .h5 file. Received: '{model}'. "
            "An exported file cannot be exported again; give the run that it came from."
        )
    return load_predictor(model)
