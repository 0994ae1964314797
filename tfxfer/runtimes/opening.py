"""A file and its format become a runtime."""

from __future__ import annotations

from pathlib import Path

from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.catalogue.tensors import TensorSpec
from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.runtimes.keras_file import KerasRuntime
from tfxfer.runtimes.litert import LiteRTRuntime
from tfxfer.runtimes.onnx import OnnxRuntime
from tfxfer.runtimes.openvino import MODEL_FILE, OpenVinoRuntime
from tfxfer.runtimes.runtime import Runtime
from tfxfer.runtimes.saved_model import SavedModelRuntime

SUFFIXES = {".tflite": "litert", ".onnx": "onnx", ".keras": "keras"}


def open_runtime(format: str, path: Path, *, threads: int | None = None) -> Runtime:
    """Open an artifact in the engine of its format; only that engine is imported.

    `threads` is the number of CPU threads that one prediction may use; None leaves it to the engine.
    TensorFlow has one thread pool for the whole process, so a SavedModel or .keras file takes no `threads`.

    Raises:
        RuntimeUnavailableError: the engine is not installed, or refuses the file.
        UsageError: a format that has no runtime, or `threads` for one of these.
    """
    if not path.exists():
        raise RuntimeUnavailableError(f"a {format} artifact must be at '{path}'. Received: nothing there.")
    match format:
        case "litert":
            return LiteRTRuntime(path, threads=threads)
        case "onnx":
            return OnnxRuntime(path, threads=threads)
        case "openvino":
            return OpenVinoRuntime(path, threads=threads)
        case "saved_model":
            _refuse_threads(threads)
            return SavedModelRuntime(path)
        case "keras":
            _refuse_threads(threads)
            return KerasRuntime(path)
    raise UsageError(
        f"a format with a runtime is one of litert, onnx, saved_model, keras, openvino. Received: '{format}'."
    )


def stored_tensors(runtime: Runtime) -> tuple[TensorSpec, ...]:
    """How the file stores its input and outputs, where its format lets them be integers; else ()."""
    return runtime.tensors if isinstance(runtime, LiteRTRuntime) else ()


def format_of(path: Path | str) -> str:
    """The format of an artifact, from its suffix, or from saved_model.pb or model.xml in a folder.

    Raises:
        UsageError: none of them.
    """
    path = Path(path)
    if path.is_dir() and (path / GRAPH_FILE).is_file():
        return "saved_model"
    if path.is_dir() and (path / MODEL_FILE).is_file():
        return "openvino"
    format = SUFFIXES.get(path.suffix.lower())
    if format is None:
        raise UsageError(
            "an artifact is a .tflite, .onnx or .keras file, or the folder of a SavedModel (with saved_model.pb) or of "
            "OpenVINO (with model.xml). "
            f"Received: '{path}'."
        )
    return format


def _refuse_threads(threads: int | None) -> None:
    if threads is not None:
        raise UsageError(
            "threads must be None for a SavedModel or a .keras file: TensorFlow's thread pools belong to the process. "
            f"Received: {threads}. Set tf.config.threading before TensorFlow starts."
        )
