"""A file and its format become a runtime."""

from __future__ import annotations

from pathlib import Path

from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.runtimes.litert import LiteRTRuntime
from tfxfer.runtimes.onnx import OnnxRuntime
from tfxfer.runtimes.runtime import Runtime
from tfxfer.runtimes.saved_model import SavedModelRuntime

SUFFIXES = {".tflite": "litert", ".onnx": "onnx"}


def open_runtime(format: str, path: Path, *, threads: int | None = None) -> Runtime:
    """Open an artifact in the engine of its format; only that engine is imported.

    `threads` is the number of CPU threads that one prediction may use; None leaves it to the engine.
    TensorFlow has one thread pool for the whole process, so a SavedModel takes no `threads`.

    Raises:
        RuntimeUnavailableError: the engine is not installed, or refuses the file.
        UsageError: a format that has no runtime, or `threads` for a SavedModel.
    """
    if not path.exists():
        raise RuntimeUnavailableError(f"a {format} artifact must be at '{path}'. Received: nothing there.")
    match format:
        case "litert":
            return LiteRTRuntime(path, threads=threads)
        case "onnx":
            return OnnxRuntime(path, threads=threads)
        case "saved_model":
            return _open_saved_model(path, threads)
    raise UsageError(f"a format with a runtime is one of litert, onnx, saved_model. Received: '{format}'.")


def format_of(path: Path | str) -> str:
    """The format of an artifact, from its suffix, or from saved_model.pb in a folder.

    Raises:
        UsageError: none of them.
    """
    path = Path(path)
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "saved_model"
    format = SUFFIXES.get(path.suffix.lower())
    if format is None:
        raise UsageError(
            "an artifact is a .tflite file, an .onnx file, or a SavedModel folder (with saved_model.pb). "
            f"Received: '{path}'."
        )
    return format


def _open_saved_model(path: Path, threads: int | None) -> Runtime:
    if threads is not None:
        raise UsageError(
            "threads must be None for a SavedModel: TensorFlow's thread pools belong to the process. "
            f"Received: {threads}. Set tf.config.threading before TensorFlow starts."
        )
    return SavedModelRuntime(path)
