"""OpenVINO models, run by OpenVINO on the CPU."""

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
from tfxfer.runtimes.signal_stack import kept_signal_stack

MODEL_FILE = "model.xml"  # the graph; the weights are in model.bin beside it
PROPERTIES = "tfxfer"  # the part of the model's rt_info that is ours
LABELS_PROPERTY = "labels"  # a JSON list
TASK_PROPERTY = "task"  # of a network that is no classifier
DTYPES: dict[str, np.dtype] = {"u8": np.dtype(np.uint8), "f32": np.dtype(np.float32)}
# On CPUs with bfloat16 OpenVINO computes in that unless it is told: logits are then off by 0.08 of the largest.
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenVinoRuntime:
    """A folder with model.xml and model.bin, input `image`, outputs `probabilities` (or `values`), `logits`."""

    format = "openvino"

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self.path = path
        model, self._compiled = _open(engine_module("openvino", "openvino"), path, threads)
        self._spec, self._outputs = _interface(model, path)
        self.labels = json_labels(_property(model, LABELS_PROPERTY), path)
        self.task = task_of(self._outputs[0], _property(model, TASK_PROPERTY))

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
        with kept_signal_stack():
            found = self._compiled({INPUT: np.ascontiguousarray(images)})
        return Outputs(*(np.array(found[name]) for name in self._outputs))


def _open(engine: Any, path: Path, threads: int | None) -> tuple[Any, Any]:
    options = FLOAT32 if threads is None else {**FLOAT32, "INFERENCE_NUM_THREADS": threads}
    core = engine.Core()
    try:
        with kept_signal_stack():
            model = core.read_model(path / MODEL_FILE)
            return model, core.compile_model(model, "CPU", options)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be a folder with {MODEL_FILE} and its weights, which OpenVINO can run. "
            f"Received: {' '.join(str(error).split())}. Export it again."
        ) from error


def _interface(model: Any, path: Path) -> tuple[InputSpec, tuple[str, str]]:
    """What goes in, and the names of the outputs."""
    inputs = [(sorted(port.get_names()), port.get_element_type().get_type_name()) for port in model.inputs]
    outputs = [name for port in model.outputs for name in sorted(port.get_names())]
    first = first_output(outputs)
    if first is None or len(inputs) != 1 or inputs[0][0] != [INPUT] or inputs[0][1] not in DTYPES:
        raise RuntimeUnavailableError(
            f"'{path}' must have the input '{INPUT}', uint8 or float32, and the outputs {ACCEPTED_OUTPUTS}. "
            f"Received: inputs {inputs}, outputs {outputs}. Export it with tfxfer."
        )
    shape = tuple(side.get_length() for side in list(model.inputs[0].get_partial_shape())[1:])
    return InputSpec(shape, DTYPES[inputs[0][1]]), (first, LOGITS)


def _property(model: Any, name: str) -> str | None:
    place = [PROPERTIES, name]
    return str(model.get_rt_info(place).value) if model.has_rt_info(place) else None
