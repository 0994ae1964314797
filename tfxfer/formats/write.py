"""Any format is written through one function."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfxfer.catalogue.formats import CALIBRATED
from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.artifact import Artifact, Format
from tfxfer.formats.keras_file import KerasFormat
from tfxfer.formats.litert import LiteRTFormat
from tfxfer.formats.onnx import OnnxFormat
from tfxfer.formats.openvino import OpenVinoFormat
from tfxfer.formats.saved_model import SavedModelFormat
from tfxfer.formats.trace import Traced
from tfxfer.store.fingerprint import path_sha256, path_size_bytes

WRITERS: Mapping[str, Format] = {
    "saved_model": SavedModelFormat(),
    "litert": LiteRTFormat(),
    "onnx": OnnxFormat(),
    "keras": KerasFormat(),
    "openvino": OpenVinoFormat(),
}


def write_artifact(
    format: str,
    traced: Traced,
    to: Path,
    *,
    precision: str = "float32",
    calibration: np.ndarray | None = None,
    options: WriteOptions = DEFAULTS,
) -> Artifact:
    """Write a traced network at `to`; the file or folder appears when it is complete.

    `calibration`, (N, H, W, channels) of the network's input dtype, are training images; int8 needs them.

    Raises:
        ExportError: the format cannot hold this network, or something is at `to` already.
        UsageError: no such format, none of that precision, or no images where the precision needs them.
    """
    writer = _writer(format, precision)
    if precision in CALIBRATED and (calibration is None or not len(calibration)):
        raise UsageError(
            f"'{format}:{precision}' needs training images to calibrate with. Received: none. Give calibration."
        )
    if to.exists():
        raise ExportError(
            f"an artifact must not replace another one. Received: '{to}', which is there. Remove it."
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    writer.write(traced, to, precision, calibration=calibration, options=options)
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
