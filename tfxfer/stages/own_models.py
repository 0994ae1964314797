"""A user's own model files, given RGB 0-255: opened, and scored on labelled pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.catalogue.pixels import RAW, Pixels
from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.data import ArraySplit
from tfxfer.errors import DataError, UsageError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.metrics import ClassificationMetrics, Metrics
from tfxfer.stages.held_out import Labelled
from tfxfer.stages.predict import Loaded, is_run, load_predictor
from tfxfer.verification.own_model import own_format
from tfxfer.verification.reference import BATCH_SIZE

if TYPE_CHECKING:
    import keras

    from tfxfer.formats.own_saved_model import OwnSavedModel


def open_own(
    path: Path, pixels: Pixels | None = None, input_dtype: str | None = None
) -> keras.Model | OwnSavedModel:
    """A user's model, with `pixels` put in front of it where they are given, so that it takes RGB 0-255.

    Raises:
        NetworkError: a Keras file that cannot be read, or would run code.
        BackboneError: a SavedModel that is damaged, or reaches out of its graph.
        UsageError: its input is no picture of a fixed size, or `pixels` for one that takes bytes.
    """
    if own_format(path) == "saved_model":
        from tfxfer.formats.own_saved_model import open_own_saved_model

        found = open_own_saved_model(path, RAW if pixels is None else pixels)
        _require_pictures(path, [(None, *found.shape)])
        _refuse_pixels_for_bytes(path, pixels, found.dtype)
        return found
    return _keras_model(path, pixels, input_dtype)


def _keras_model(path: Path, pixels: Pixels | None, input_dtype: str | None) -> keras.Model:
    import keras

    from tfxfer.backbones.model_file import load_model_file
    from tfxfer.network.preprocess import Preprocess

    model = load_model_file(path)
    _require_pictures(path, [tuple(each.shape) for each in model.inputs])
    if pixels is None or pixels == RAW:
        return model
    _refuse_pixels_for_bytes(path, pixels, model.inputs[0].dtype)
    shape = tuple(model.inputs[0].shape)[1:]
    image = keras.Input(shape, dtype="float32" if input_dtype is None else input_dtype, name="image")
    return keras.Model(image, model(Preprocess.of(pixels)(image)), name=model.name)


def open_path(path: Path) -> tuple[Any, ResizeRule | None]:
    """What can be exported at a path, and the rule by which pictures come to its size, where it is known.

    Raises:
        UsageError: neither a run nor a model of the user's own.
    """
    if own_format(path) is not None:
        return open_own(path), None
    loaded = run_network(path)
    return loaded.predictor, loaded.rule


def run_network(path: Path) -> Loaded:
    """The network of a run.

    Raises:
        UsageError: it is no run.
    """
    if not is_run(path):
        raise UsageError(
            f"export takes a run directory, a .keras or .h5 file, or a SavedModel of your own. Received: '{path}'. "
            "An exported file cannot be exported again; give the run that it came from."
        )
    return load_predictor(path)


def score_own(
    model: keras.Model | OwnSavedModel, found: Labelled, pixels: Pixels | None, task: TaskName
) -> tuple[Metrics, dict[str, Any]]:
    """What the model scores on the test split, and {"warnings"} where that looks like wrong pixels.

    Raises:
        DataError: the data do not have the model's labels.
    """
    _require_labels(_facts(model)[2], found.labels, task)
    batches = own_batches(found.test, _facts(model)[1])
    metrics = evaluate(model, batches, labels=found.labels, task=task)
    return metrics, _warnings(metrics, pixels)


def own_batches(split: ArraySplit, dtype: np.dtype) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches of a split, their images in `dtype`."""
    for images, *rest in split.weighted_batches(BATCH_SIZE):
        yield images.astype(dtype, copy=False), *rest


def own_size(model: keras.Model | OwnSavedModel) -> Size:
    """(height, width) of its pictures."""
    return _facts(model)[0]


def _facts(model: Any) -> tuple[Size, np.dtype, int]:
    """Size of a picture, dtype of the input, number of outputs."""
    import keras

    if isinstance(model, keras.Model):
        _, height, width, _ = model.inputs[0].shape
        return (height, width), np.dtype(model.inputs[0].dtype), int(model.outputs[0].shape[-1])
    height, width, _ = model.shape
    return (height, width), np.dtype(model.dtype), model.outputs


def _require_pictures(path: Path, shapes: Sequence[tuple[int | None, ...]]) -> None:
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:] or shapes[0][3] != 3:
        raise UsageError(
            f"'{path}' must take pictures of one size, (N, H, W, 3). Received: {list(shapes)}. "
            "Export it from Python with tfxfer.export, which takes any input."
        )


def _refuse_pixels_for_bytes(path: Path, pixels: Pixels | None, dtype: str) -> None:
    if dtype == "uint8" and pixels not in (None, RAW):
        raise UsageError(
            f"--pixels is for models that take scaled floats. Received: '{path}', whose input is uint8 already. "
            "Leave --pixels out."
        )


def _require_labels(outputs: int, labels: Sequence[str], task: TaskName) -> None:
    if outputs == len(labels):
        return
    if task == "regression":
        raise DataError(f"a regression on pictures gives one value. Received: a model of {outputs} outputs.")
    names = "the alphabetical order of their folders" if task == "classification" else "alphabetical order"
    kind = "classes" if task == "classification" else "labels"
    raise DataError(
        f"the data must have the model's {outputs} {kind}, in {names}. "
        f"Received: {len(labels)}: {', '.join(labels[:20])}. Add the missing ones, or say what the model does "
        f"(--task {', '.join(name for name in TASKS if name != task)})."
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
