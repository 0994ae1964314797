"""LiteRT files, run by ai-edge-litert's interpreter with XNNPACK."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.catalogue.tensors import TensorSpec
from tfxfer.errors import RuntimeUnavailableError
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.labels import parse_labels
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.quiet import not_info, stderr_held_back
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

SIGN = np.uint8(128)  # the bit in which a byte and its signed twin, 128 less, differ


class LiteRTRuntime:
    """A .tflite file with the signature `serving_default(image) -> {probabilities or values, logits}`.

    Its batch size is 1: images of a batch run one after the other, which is also the fastest way on a CPU.
    A file whose ends are integers is fed with the same uint8 pictures, and its answers come as the floats
    that the integers stand for.
    """

    format = "litert"

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self.path = path
        interpreter_module = engine_module("ai_edge_litert.interpreter", "ai-edge-litert")
        self._interpreter = _open(interpreter_module, path, threads)
        self._input, outputs = _signature(self._interpreter, path)
        self._outputs = tuple(outputs.values())
        self.tensors = tuple(
            _tensor(name, details) for name, details in {INPUT: self._input, **outputs}.items()
        )
        taken = np.dtype(self._input["dtype"])
        self._signed = taken == np.int8  # pictures less 128
        shape = tuple(self._input["shape"].tolist()[1:])
        self._spec = InputSpec(shape, np.dtype(np.uint8) if self._signed else taken)
        self.labels = litert_labels(path)
        self.task = task_of(next(iter(outputs)), _packed(path, TASK_FILE))

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
        if len(images) == 1:
            return Outputs(*self._invoke(images))
        rows = [self._invoke(images[index : index + 1]) for index in range(len(images))]
        probabilities, logits = zip(*rows, strict=True)
        return Outputs(np.concatenate(probabilities), np.concatenate(logits))

    def _invoke(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        interpreter = self._interpreter
        fed = (image ^ SIGN).view(np.int8) if self._signed else image
        interpreter.set_tensor(self._input["index"], fed)
        interpreter.invoke()
        probabilities, logits = (_floats(interpreter, details) for details in self._outputs)
        return probabilities, logits


def _tensor(name: str, details: Mapping[str, Any]) -> TensorSpec:
    dtype, (scale, zero_point) = np.dtype(details["dtype"]).name, details["quantization"]
    return TensorSpec(name, dtype, float(scale), int(zero_point)) if scale else TensorSpec(name, dtype)


def _floats(interpreter: Any, details: Mapping[str, Any]) -> np.ndarray:
    """An output as float32, whatever it is stored as."""
    value: np.ndarray = interpreter.get_tensor(details["index"])
    if value.dtype == np.float32:
        return value
    scale, zero_point = details["quantization"]
    return np.asarray((value.astype(np.float32) - zero_point) * np.float32(scale))


def litert_labels(path: Path) -> tuple[str, ...] | None:
    """The labels.txt packed into a .tflite file's metadata, or None where there is none."""
    text = _packed(path, LABELS_FILE)
    return None if text is None else parse_labels(text)


def _packed(path: Path, name: str) -> str | None:
    """A text file that is packed behind the flatbuffer, or None where there is none."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode("utf-8") if name in archive.namelist() else None


def _open(module: Any, path: Path, threads: int | None) -> Any:
    try:
        with stderr_held_back(not_info):  # "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
            interpreter = module.Interpreter(str(path), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise RuntimeUnavailableError(
            f"'{path}' must be a LiteRT file that ai-edge-litert can run. Received: {error}. Export it again."
        ) from error
    return interpreter


def _signature(interpreter: Any, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Details of the input tensor, and of each of the two output tensors by its name, in order."""
    signatures = interpreter.get_signature_list()
    found = signatures.get(SIGNATURE)
    first = None if found is None else first_output(found["outputs"])
    if found is None or first is None or found["inputs"] != [INPUT]:
        raise RuntimeUnavailableError(
            f"'{path}' must have the signature '{SIGNATURE}' with input '{INPUT}' and outputs "
            f"{ACCEPTED_OUTPUTS}. Received: {signatures or 'no signature'}. "
            "Export it with tfxfer."
        )
    runner = interpreter.get_signature_runner(SIGNATURE)
    outputs = runner.get_output_details()
    return runner.get_input_details()[INPUT], {name: outputs[name] for name in (first, LOGITS)}
