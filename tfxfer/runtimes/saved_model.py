"""SavedModels, run by TensorFlow through their serving signature."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.errors import RuntimeUnavailableError
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.labels import parse_labels
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE, LOGITS, OUTPUTS, PROBABILITIES, SIGNATURE, InputSpec

EXTRA_FOLDER = "assets.extra"  # TensorFlow's place for files that serving passes by


class SavedModelRuntime:
    """A SavedModel folder with the signature `serving_default(image) -> {probabilities, logits}`.

    TensorFlow's thread pools belong to the process, so `threads` cannot be chosen for one file.
    """

    format = "saved_model"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tensorflow = engine_module("tensorflow", "tensorflow")
        # The loaded object owns the variables: without it the signature's are deleted.
        self._loaded = _open(self._tensorflow, path)
        self._signature = _signature(self._loaded, path)
        spec = self._signature.structured_input_signature[1][INPUT]
        self._spec = InputSpec(tuple(spec.shape.as_list()[1:]), np.dtype(spec.dtype.as_numpy_dtype))
        self.labels = _labels(path)

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
        return Outputs(outputs[PROBABILITIES].numpy(), outputs[LOGITS].numpy())


def _open(tensorflow: Any, path: Path) -> Any:
    try:
        # In a thread of its own, outside of any tf.distribute scope of the caller's, which would mirror the
        # variables and leave a file that cannot be run in that scope.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(tensorflow.saved_model.load, str(path)).result()
    except (OSError, ValueError, KeyError, AttributeError, tensorflow.errors.OpError) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be a SavedModel that TensorFlow can load. Received: {error}. Export it again."
        ) from error


def _signature(loaded: Any, path: Path) -> Any:
    signatures = loaded.signatures
    found = signatures.get(SIGNATURE)
    inputs = {} if found is None else found.structured_input_signature[1]
    outputs = {} if found is None else found.structured_outputs
    if list(inputs) != [INPUT] or sorted(outputs) != sorted(OUTPUTS):
        raise RuntimeUnavailableError(
            f"'{path}' must have the signature '{SIGNATURE}' with input '{INPUT}' and the outputs "
            f"{list(OUTPUTS)}. Received: signatures {list(signatures)}, "
            f"inputs {list(inputs)}, outputs {sorted(outputs)}. "
            "Export it with tfxfer."
        )
    return found


def _labels(path: Path) -> tuple[str, ...] | None:
    file = path / EXTRA_FOLDER / LABELS_FILE
    return parse_labels(file.read_text(encoding="utf-8")) if file.is_file() else None
