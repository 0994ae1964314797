"""Any format is written through one function."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.artifact import Artifact, Format
from tfxfer.formats.litert import LiteRTFormat
from tfxfer.formats.onnx import OnnxFormat
from tfxfer.formats.saved_model import SavedModelFormat
from tfxfer.formats.trace import Traced
from tfxfer.store.fingerprint import path_sha256, path_size_bytes

WRITERS: Mapping[str, Format] = {
    "saved_model": SavedModelFormat(),
    "litert": LiteRTFormat(),
    "onnx": OnnxFormat(),
}


def write_artifact(format: str, traced: Traced, to: Path, *, precision: str = "float32") -> Artifact:
    """Write a traced network at `to`; the file or folder appears when it is complete.

    Raises:
        ExportError: the format cannot hold this network, or something is at `to` already.
        UsageError: no such format, or none of that precision.
    """
    writer = _writer(format, precision)
    if to.exists():
        raise ExportError(
            f"an artifact must not replace another one. Received: '{to}', which is there. Remove it."
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    writer.write(traced, to, precision)
    seconds = time.perf_counter() - start
    return Artifact(format, precision, to, path_size_bytes(to), path_sha256(to), seconds)


def _writer(format: str, precision: str) -> Format:
    writer = WRITERS.get(format)
    if writer is None:
        raise UsageError(f"a format is one of {', '.join(WRITERS)}. Received: '{format}'.")
    if precision not in writer.precisions:
        raise UsageError(
            f"the format '{format}' is written in {', '.join(writer.precisions)}. Received: '{precision}'."
        )
    return writer
