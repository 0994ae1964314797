"""A model file that tfxfer did not write, opened as a runtime, to be timed and scored beside those it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import TaskName
from tfxfer.errors import UsageError
from tfxfer.evaluation.predictions import FROM_ARRAY, as_outputs
from tfxfer.runtimes.keras_file import is_exported
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import LABELS_FILE, SIGNATURE, InputSpec
from tfxfer.runtimes.saved_model import EXTRA_FOLDER

MODEL_SUFFIXES = (".keras", ".h5")


@dataclass(frozen=True, slots=True, eq=False)
class OwnModel:
    """A user's classifier: one input of one size, one output (N, classes) of logits or probabilities."""

    format: str
    path: Path
    spec: InputSpec
    run: Callable[[np.ndarray], Any]  # (N, H, W, channels) of the input's dtype -> (N, classes)
    labels: tuple[str, ...] | None = None
    task: TaskName = "classification"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.spec.shape

    @property
    def input_dtype(self) -> np.dtype:
        return self.spec.dtype

    def predict(self, images: np.ndarray) -> Outputs:
        """Outputs of (N, H, W, channels) images of `input_dtype`.

        Raises:
            DataError: another shape or dtype.
            EvaluationError: outputs that are not (N, classes).
        """
        self.spec.check(images)
        found = as_outputs(self.run(images), self.task)
        return found if isinstance(found, Outputs) else FROM_ARRAY[self.task](found)


def own_format(path: Path) -> str | None:
    """keras or saved_model, where `path` is a model that tfxfer did not write; else None."""
    if path.suffix in MODEL_SUFFIXES and path.is_file():
        return None if is_exported(path) else "keras"
    if path.is_dir() and (path / "saved_model.pb").is_file():
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
        raise _not_one(path, f"{len(model.inputs)} inputs and {len(model.outputs)} outputs")
    (image,) = model.inputs
    return OwnModel("keras", path, _spec(path, tuple(image.shape), image.dtype), model.predict_on_batch)


def _saved_model(path: Path) -> OwnModel:
    import tensorflow as tf

    from tfxfer.backbones.saved_model_file import load_saved_model

    loaded = load_saved_model(path)
    function = loaded.signatures.get(SIGNATURE)
    if function is None:
        raise _not_one(path, f"signatures {sorted(loaded.signatures)}")
    inputs, outputs = function.structured_input_signature[1], sorted(function.structured_outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise _not_one(path, f"inputs {sorted(inputs)} and outputs {outputs}")
    ((name, image),) = inputs.items()
    held = (loaded, function)  # the loaded object owns the variables: without it the signature's are deleted

    def run(images: np.ndarray) -> Any:
        return held[1](**{name: tf.constant(images)})[outputs[0]].numpy()

    shape = tuple(image.shape.as_list()) if image.shape.rank is not None else ()
    return OwnModel("saved_model", path, _spec(path, shape, image.dtype.name), run)


def _spec(path: Path, shape: tuple[int | None, ...], dtype: str) -> InputSpec:
    sizes = tuple(size for size in shape[1:] if size is not None)
    if len(shape) != 4 or len(sizes) != 3 or shape[0] is not None:
        raise UsageError(
            f"'{path}' must take batches of images of one size, (None, H, W, channels). Received: {shape}. "
            "Give its input a fixed height and width, and no fixed batch."
        )
    return InputSpec(sizes, np.dtype(dtype))


def _not_one(path: Path, received: str) -> UsageError:
    return UsageError(
        f"a model of your own must have one input and one output (a SavedModel: in its signature '{SIGNATURE}'). "
        f"Received: '{path}' with {received}. Save it as a classifier of one image."
    )
