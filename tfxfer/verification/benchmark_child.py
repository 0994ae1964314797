"""The process that one artifact is timed in: a request on stdin, the figures on stdout, as JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.errors import TfxferError
from tfxfer.runtimes.opening import open_runtime
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.latency import timed_runs
from tfxfer.verification.own_model import open_own_model, own_format

ENGINES = {
    "litert": "ai_edge_litert.interpreter",
    "onnx": "onnxruntime",
    "saved_model": "tensorflow",
    "keras": "keras",
    "openvino": "openvino",
}
OF_TENSORFLOW = ("saved_model", "keras")  # whose thread pools belong to the process
OF_OWN_MODELS = ("tfxfer.backbones.model_file", "tfxfer.formats.own_saved_model")
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # proc(5)


def main() -> None:
    """Read one request, measure, answer."""
    request, answers = json.load(sys.stdin), _own_stdout()
    try:
        answer: dict[str, object] = {"measurements": measurements(request)}
    except TfxferError as error:
        answer = {"error": str(error)}
    with answers:
        json.dump(answer, answers)


def measurements(request: dict[str, Any]) -> list[dict[str, object]]:
    """The figures of one artifact at one number of threads, for each batch size in order."""
    path = Path(request["path"])
    is_own = own_format(path) is not None
    threads = _prepare(request["format"], request["threads"], is_own=is_own)
    before = _reset_peak()
    start = time.perf_counter()
    runtime = open_own_model(path) if is_own else open_runtime(request["format"], path, threads=threads)
    load_ms = 1000 * (time.perf_counter() - start)
    return [
        _measured(runtime, request, batch, load_ms=load_ms, before=before) for batch in request["batches"]
    ]


def _prepare(format: str, threads: int, *, is_own: bool) -> int | None:
    """Import the engine, so that loading does not count it, and set TensorFlow's threads before it starts."""
    if format in OF_TENSORFLOW:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if is_own:
        for reader in OF_OWN_MODELS:
            importlib.import_module(reader)
    try:
        importlib.import_module(ENGINES[format])
    except ImportError:
        return threads  # open_runtime says what is missing, and how to install it
    return None if format in OF_TENSORFLOW else threads


def _measured(
    runtime: Runtime, request: dict[str, Any], batch: int, *, load_ms: float, before: int | None
) -> dict[str, object]:
    images = _images(runtime, batch)
    seconds = timed_runs(runtime, images, runs=request["runs"], warm_up=request["warm_up"])
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    peak = _peak()
    return {
        "threads": request["threads"],
        "batch": batch,
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "images_per_second": batch * len(seconds) / sum(seconds),
        "load_ms": load_ms,
        "peak_memory_bytes": peak,
        "model_memory_bytes": None if peak is None or before is None else max(peak - before, 0),
        "runs": request["runs"],
    }


def _images(runtime: Runtime, batch: int) -> np.ndarray:
    """Noise of the input's own shape and dtype: no engine here is faster on one picture than on another."""
    noise = np.random.default_rng(0).integers(0, 256, (batch, *runtime.input_shape))
    return noise.astype(runtime.input_dtype)


def _own_stdout() -> Any:
    """A copy of stdout for the answer alone; what libraries print goes to stderr."""
    copy = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return copy


def _reset_peak() -> int | None:
    """Forget how much memory was needed until now, and say how much is held."""
    try:
        REFERENCES.write_text(FORGET_PEAK, encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _peak() -> int | None:
    """Bytes of memory that this process has held at most."""
    found = _status("VmHWM")
    if found is not None:
        return found
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _status(name: str) -> int | None:
    """One figure of /proc/self/status in bytes; None where there is no such file."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


if __name__ == "__main__":
    main()
