"""A frozen prefix in another engine than TensorFlow, which computes its features faster on a CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, Protocol

import keras
import numpy as np
import onnx
import tensorflow as tf

from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.frozen import freeze_graph
from tfxfer.formats.litert import CONVERTER_ERRORS as LITERT_ERRORS
from tfxfer.formats.litert import convert_litert
from tfxfer.formats.onnx import CONVERTER_ERRORS as ONNX_ERRORS
from tfxfer.formats.onnx import convert_onnx
from tfxfer.formats.trace import functions_inlined, rebuild_named
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.runtime import INPUT
from tfxfer.store.atomic import write_bytes

FEATURES = "features"

EngineName = Literal["onnx", "litert"]


class FeatureEngine(Protocol):
    """Computes a prefix's features; not for use by several threads at once."""

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Features (N, ...) float32, of each output, of images (N, H, W, channels) in the prefix's own dtype."""
        ...


def convert_features(
    prefix: keras.Model, engine: EngineName, to: Path, *, threads: int | None = None
) -> FeatureEngine:
    """Write a prefix (one input of fixed size) at `to` for another engine, and open it there.

    `threads` is the number of CPU threads it may use; None takes every core.

    Raises:
        ExportError: the engine's converter cannot take this prefix.
        RuntimeUnavailableError: the engine is not installed.
    """
    names = tuple(f"{FEATURES}_{number}" for number in range(len(prefix.outputs)))
    frozen = _freeze(prefix, names)
    converters: dict[str, tuple[Callable[[Any], bytes], tuple[type[Exception], ...]]] = {
        "litert": (lambda graph: convert_litert(graph, names), LITERT_ERRORS),
        "onnx": (lambda graph: _onnx_bytes(graph, names), ONNX_ERRORS),
    }
    convert, errors = converters[engine]
    with captured_output() as output:
        try:
            data = convert(frozen)
        except errors as error:
            raise ExportError(
                f"the {engine} engine must be able to take every operation of the frozen part. "
                f"Received: {error!r}\n{output.tail()}\nSet features.engine to tensorflow."
            ) from error
    write_bytes(to, data)
    cores = (os.cpu_count() or 1) if threads is None else threads
    return _LiteRTFeatures(to, names, cores) if engine == "litert" else _OnnxFeatures(to, names, cores)


def _freeze(prefix: keras.Model, names: tuple[str, ...]) -> Any:
    network = rebuild_named(prefix)

    def serve(image: tf.Tensor) -> list[tf.Tensor]:
        with functions_inlined():
            features = tf.nest.flatten(network(image, training=False))
        return [
            tf.identity(tf.cast(value, tf.float32), name=name)
            for value, name in zip(features, names, strict=True)
        ]

    source = network.inputs[0]
    spec = tf.TensorSpec((None, *source.shape[1:]), source.dtype, name=INPUT)
    function = tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()
    return freeze_graph(function, names)


def _onnx_bytes(frozen: Any, names: tuple[str, ...]) -> bytes:
    model = convert_onnx(frozen, names)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


class _LiteRTFeatures:
    """One interpreter for each core, each with one image at a time."""

    def __init__(self, path: Path, names: tuple[str, ...], threads: int) -> None:
        module = engine_module("ai_edge_litert.interpreter", "ai-edge-litert")
        self._interpreters = [module.Interpreter(str(path), num_threads=1) for _ in range(threads)]
        for interpreter in self._interpreters:
            interpreter.allocate_tensors()
        self._input = self._interpreters[0].get_input_details()[0]["index"]
        self._outputs = self._interpreters[0].get_output_details()
        assert len(self._outputs) == len(names)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="features")

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        features = tuple(
            np.empty((len(images), *output["shape"][1:]), dtype=np.float32) for output in self._outputs
        )
        left = iter(range(len(images)))  # shared: a core with a busy neighbour takes fewer of them

        def work(interpreter: Any) -> None:
            for index in left:
                interpreter.set_tensor(self._input, images[index : index + 1])
                interpreter.invoke()
                for array, output in zip(features, self._outputs, strict=True):
                    array[index] = interpreter.get_tensor(output["index"])[0]

        list(self._pool.map(work, self._interpreters))
        return features


class _OnnxFeatures:
    """One session, which spreads each operation of a batch over the cores."""

    def __init__(self, path: Path, names: tuple[str, ...], threads: int) -> None:
        engine = engine_module("onnxruntime", "onnxruntime")
        options = engine.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self._session = engine.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [f"{name}:0" for name in names]

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(self._session.run(self._outputs, {self._input: images}))
