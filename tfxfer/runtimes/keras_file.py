""".keras files, run by Keras itself."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.errors import RuntimeUnavailableError
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.labels import parse_labels
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import (
    ACCEPTED_OUTPUTS,
    INPUT,
    LABELS_FILE,
    TASK_FILE,
    InputSpec,
    first_output,
    task_of,
)


class KerasRuntime:
    """A .keras file with the input `image` and the outputs {probabilities or values, logits}.

    It is opened in safe mode: a file that brings code of its own is refused.
    """

    format = "keras"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = _open(engine_module("keras", "tensorflow"), path)
        self._first = _interface(self._model, path)
        (image,) = self._model.inputs
        self._spec = InputSpec(tuple(image.shape[1:]), np.dtype(image.dtype))
        texts = _texts(path)
        self.labels = parse_labels(texts[LABELS_FILE]) if LABELS_FILE in texts else None
        self.task = task_of(self._first, texts.get(TASK_FILE))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._spec.shape

    @property
    def input_dtype(self) -> np.dtype:
        return self._spec.dtype

    def predict(self, images: np.ndarray) -> Outputs:
        """Outputs of (N, H, W, channels) images of `input_dtype`.

        Raises:
            DataError: another shape or dtype.
        """
        self._spec.check(images)
        outputs = self._model.predict_on_batch(images)
        return Outputs(np.asarray(outputs[self._first]), np.asarray(outputs[LOGITS]))


def is_exported(path: Path) -> bool:
    """Whether a .keras file is one of tfxfer's artifacts, which has its labels in it, and no model of the user's."""
    return zipfile.is_zipfile(path) and LABELS_FILE in _texts(path)


def _open(keras: Any, path: Path) -> Any:
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, ImportError, zipfile.BadZipFile) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be a .keras file that Keras can load. Received: {error}. Export it again."
        ) from error


def _interface(model: Any, path: Path) -> str:
    """The name of the first output."""
    outputs = list(model.output) if isinstance(model.output, dict) else []
    names = [image.name for image in model.inputs]
    first = first_output(outputs)
    if first is None or names != [INPUT]:
        raise RuntimeUnavailableError(
            f"'{path}' must have the input '{INPUT}' and the outputs {ACCEPTED_OUTPUTS}. "
            f"Received: inputs {names}, outputs {outputs or 'without names'}. Export it with tfxfer."
        )
    return first


def _texts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        names = {LABELS_FILE, TASK_FILE} & set(archive.namelist())
        return {name: archive.read(name).decode("utf-8") for name in names}
