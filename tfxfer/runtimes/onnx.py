"""ONNX files, run by ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.errors import RuntimeUnavailableError
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.labels import json_labels
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import ACCEPTED_OUTPUTS, INPUT, InputSpec, first_output, task_of

LABELS_PROPERTY = "labels"  # metadata property of the file: a JSON list
TASK_PROPERTY = "task"  # of a network that is no classifier
DTYPES: dict[str, np.dtype] = {"tensor(uint8)": np.dtype(np.uint8), "tensor(float)": np.dtype(np.float32)}


class OnnxRuntime:
    """An .onnx file with input `image` and outputs `probabilities` (or `values`), `logits`, of any batch size."""

    format = "onnx"

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self.path = path
        self._session = _open(engine_module("onnxruntime", "onnxruntime"), path, threads)
        self._spec, self._outputs = _interface(self._session, path)
        self.labels = json_labels(_property(self._session, LABELS_PROPERTY), path)
        self.task = task_of(self._outputs[0], _property(self._session, TASK_PROPERTY))

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
        return Outputs(*self._session.run(list(self._outputs), {INPUT: images}))


def _open(engine: Any, path: Path, threads: int | None) -> Any:
    options = engine.SessionOptions()
    options.log_severity_level = 3  # errors; warnings about its own optimiser are of no use here
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        # Its fallback would print on stdout, and try the same provider again.
        return engine.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except engine_errors(engine) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be an ONNX file that onnxruntime can run. Received: {error}. Export it again."
        ) from error


def engine_errors(engine: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises on a file that is missing, damaged, or holds what it cannot run."""
    state = engine.capi.onnxruntime_pybind11_state
    return (
        state.NoSuchFile,
        state.InvalidProtobuf,
        state.InvalidGraph,
        state.Fail,
        state.NotImplemented,
        state.InvalidArgument,
        UnicodeDecodeError,  # of its own message, where a damaged name is in it
    )


def _interface(session: Any, path: Path) -> tuple[InputSpec, tuple[str, str]]:
    """What goes in, and the names of the outputs."""
    inputs = {value.name: value for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]
    first = first_output(outputs)
    if (
        first is None
        or list(inputs) != [INPUT]
        or outputs != [first, LOGITS]
        or inputs[INPUT].type not in DTYPES
    ):
        raise RuntimeUnavailableError(
            f"'{path}' must have the input '{INPUT}', uint8 or float32, and the outputs {ACCEPTED_OUTPUTS}. "
            f"Received: inputs { {name: value.type for name, value in inputs.items()} }, outputs {outputs}. "
            "Export it with tfxfer."
        )
    return InputSpec(tuple(inputs[INPUT].shape[1:]), DTYPES[inputs[INPUT].type]), (first, LOGITS)


def _property(session: Any, name: str) -> str | None:
    found: str | None = session.get_modelmeta().custom_metadata_map.get(name)
    return found
