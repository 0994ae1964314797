"""A model file that tfxfer did not write: which it is, and how it is opened to be timed beside those it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.catalogue.tasks import TaskName
from tfxfer.errors import UsageError
from tfxfer.runtimes.keras_file import is_exported
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import LABELS_FILE, InputSpec
from tfxfer.runtimes.saved_model import EXTRA_FOLDER

MODEL_SUFFIXES = (".keras", ".h5")


@dataclass(frozen=True, slots=True, eq=False)
class OwnModel:
    """A user's model as it is timed: one input of one size, one output, whatever that means."""

    format: str
    path: Path
    spec: InputSpec
    run: Callable[[np.ndarray], Any]  # (N, H, W, channels) of the input's dtype -> (N, outputs)
    labels: tuple[str, ...] | None = None
    task: TaskName = "classification"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.spec.shape

    @property
    def input_dtype(self) -> np.dtype:
        return self.spec.dtype

    def predict(self, images: np.ndarray) -> Outputs:
        """What the model gives for (N, H, W, channels) images of `input_dtype`, as it comes.

        Raises:
            DataError: another shape or dtype.
        """
        self.spec.check(images)
        found = np.asarray(self.run(images))
        return Outputs(found, found)


def own_format(path: Path) -> str | None:
    """keras or saved_model, where `path` is a model that tfxfer did not write; else None."""
    if path.suffix in MODEL_SUFFIXES and path.is_file():
        return None if is_exported(path) else "keras"
    if path.is_dir() and (path / GRAPH_FILE).is_file():
        return None if (path / EXTRA_FOLDER / LABELS_FILE).is_file() else "saved_model"
    return None


def open_own_model(path: Path) -> OwnModel:
    """The model that `own_format` knows.

    Raises:
        NetworkError: a Keras file that cannot be read, or would run code.
        BackboneError: a SavedModel that is damaged, or reaches out of its graph.
        UsageError: it does not take one batch of images of one size and give one output.
    """
    return _saved_model(path) if path.is_dir() else _keras_model(path)


def _keras_model(path: Path) -> OwnModel:
    from tfxfer.backbones.model_file import load_model_file

    model = load_model_file(path)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UsageError(
            "a model of your own must have one input and one output. Received: "
            f"'{path}' with {len(model.inputs)} inputs and {len(model.outputs)} outputs. "
            "Save it as a model of one image."
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or None in shape[1:] or shape[0] is not None:
        raise UsageError(
            f"'{path}' must take batches of images of one size, (None, H, W, channels). Received: {shape}. "
            "Give its input a fixed height and width, and no fixed batch."
        )
    spec = InputSpec(shape[1:], np.dtype(model.inputs[0].dtype))
    return OwnModel("keras", path, spec, model.predict_on_batch)


def _saved_model(path: Path) -> OwnModel:
    from tfxfer.formats.own_saved_model import open_own_saved_model

    model = open_own_saved_model(path)
    return OwnModel("saved_model", path, InputSpec(model.shape, np.dtype(model.dtype)), model)
