"""SavedModels, run by TensorFlow through their serving signature."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.errors import DataError, RuntimeUnavailableError
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.labels import parse_labels
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import (
    ACCEPTED_OUTPUTS,
    INPUT,
    LABELS_FILE,
    SIGNATURE,
    TASK_FILE,
    InputSpec,
    first_output,
    task_of,
)

BYTES_SIGNATURE = "serving_bytes"
IMAGE_BYTES = "image_bytes"  # its input: encoded files
EXTRA_FOLDER = "assets.extra"  # TensorFlow's place for files that serving passes by


class SavedModelRuntime:
    """A SavedModel folder with the signature `serving_default(image) -> {probabilities or values, logits}`.

    TensorFlow's thread pools belong to the process, so `threads` cannot be chosen for one file.
    """

    format = "saved_model"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tensorflow = engine_module("tensorflow", "tensorflow")
        # The loaded object owns the variables: without it the signature's are deleted.
        self._loaded = _open(self._tensorflow, path)
        self._signature, self._first = _signature(self._loaded, path)
        spec = self._signature.structured_input_signature[1][INPUT]
        self._spec = InputSpec(tuple(spec.shape.as_list()[1:]), np.dtype(spec.dtype.as_numpy_dtype))
        labels = _extra(path, LABELS_FILE)
        self.labels = None if labels is None else parse_labels(labels)
        self.task = task_of(self._first, _extra(path, TASK_FILE))

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
        outputs = self._signature(**{INPUT: self._tensorflow.constant(images)})
        return Outputs(outputs[self._first].numpy(), outputs[LOGITS].numpy())

    @property
    def takes_bytes(self) -> bool:
        """Whether it has the signature that takes encoded pictures."""
        return BYTES_SIGNATURE in self._loaded.signatures

    def predict_files(self, files: Sequence[bytes]) -> Outputs:
        """Outputs of JPEG or PNG files, resized inside.

        Raises:
            RuntimeUnavailableError: it has no such signature.
            DataError: a file that TensorFlow cannot decode.
        """
        if not self.takes_bytes:
            raise RuntimeUnavailableError(
                f"'{self.path}' must have the signature '{BYTES_SIGNATURE}'. Received: one without. "
                "Export it with a resize rule."
            )
        data = self._tensorflow.constant(list(files))
        try:
            outputs = self._loaded.signatures[BYTES_SIGNATURE](**{IMAGE_BYTES: data})
        except self._tensorflow.errors.InvalidArgumentError as error:
            raise DataError(
                f"picture files must be whole JPEG or PNG files. Received: {error.message.splitlines()[0]}."
            ) from error
        return Outputs(outputs[self._first].numpy(), outputs[LOGITS].numpy())


def _open(tensorflow: Any, path: Path) -> Any:
    try:
        # In a thread of its own, outside of any tf.distribute scope of the caller's, which would mirror the
        # variables and leave a file that cannot be run in that scope.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(tensorflow.saved_model.load, str(path)).result()
    except (OSError, ValueError, LookupError, AttributeError, tensorflow.errors.OpError) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be a SavedModel that TensorFlow can load. Received: {error}. Export it again."
        ) from error


def _signature(loaded: Any, path: Path) -> tuple[Any, str]:
    """The serving signature, and the name of its first output."""
    signatures = loaded.signatures
    found = signatures.get(SIGNATURE)
    inputs = {} if found is None else found.structured_input_signature[1]
    outputs = {} if found is None else found.structured_outputs
    first = first_output(outputs)
    if first is None or list(inputs) != [INPUT]:
        raise RuntimeUnavailableError(
            f"'{path}' must have the signature '{SIGNATURE}' with input '{INPUT}' and the outputs "
            f"{ACCEPTED_OUTPUTS}. Received: signatures {list(signatures)}, "
            f"inputs {list(inputs)}, outputs {sorted(outputs)}. "
            "Export it with tfxfer."
        )
    return found, first


def _extra(path: Path, name: str) -> str | None:
    file = path / EXTRA_FOLDER / name
    return file.read_text(encoding="utf-8") if file.is_file() else None
