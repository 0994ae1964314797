"""OpenVINO: the ONNX graph, its constants folded, as model.xml and model.bin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.onnx import CONVERTER_ERRORS, float_model
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.openvino import LABELS_PROPERTY, MODEL_FILE, PROPERTIES, TASK_PROPERTY
from tfxfer.store.atomic import replaced_folder

# OpenVINO numbers the nodes that it makes by a counter of the process: name="Constant_117" type="Const".
LAYER = re.compile(r'<layer id="(\d+)" name="([A-Za-z]+)_\d+(\w*)" type=')


class OpenVinoFormat:
    """Writes a folder with input `image` and outputs `probabilities`, `logits`, of any batch size."""

    name = "openvino"
    precisions: tuple[str, ...] = ("float32", "float16")

    def write(
        self,
        traced: Traced,
        to: Path,
        precision: str,
        *,
        calibration: np.ndarray | None = None,
        options: WriteOptions = DEFAULTS,
    ) -> None:
        engine = engine_module("openvino", "openvino")
        with replaced_folder(to) as folder, captured_output() as output:
            try:
                model = _model(engine, traced)
                engine.save_model(model, folder / MODEL_FILE, compress_to_fp16=precision == "float16")
            except CONVERTER_ERRORS as error:
                raise ExportError(
                    "every operation of the network must be one that can be written in ONNX and read by OpenVINO. "
                    f"Received: {error!r}\n{output.tail()}"
                ) from error
            _number_layers(folder / MODEL_FILE)


def _model(engine: Any, traced: Traced) -> Any:
    # From bytes: the reader of files writes their path into the model.
    model = engine.Core().read_model(float_model(traced).SerializeToString(deterministic=True))
    passes = engine_module("openvino.passes", "openvino")
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)
    if traced.labels is not None:
        model.set_rt_info(json.dumps(list(traced.labels)), [PROPERTIES, LABELS_PROPERTY])
    if traced.task != "classification":
        model.set_rt_info(traced.task, [PROPERTIES, TASK_PROPERTY])
    return model


def _number_layers(file: Path) -> None:
    """Call what OpenVINO has named by its kind of node, and by its place."""
    text = file.read_bytes().decode("utf-8")
    numbered = LAYER.sub(r'<layer id="\1" name="\2_\1\3" type=', text)
    file.write_bytes(numbered.encode("utf-8"))
