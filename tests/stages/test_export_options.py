"""What `exports` says in a configuration, said to `tfxfer.export` and `tfxfer export`: it reaches the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

import tfxfer
from tests.cli.running import call, one_error
from tests.formats.test_litert_int8 import plain_network
from tests.formats.test_litert_mixed import fragile_network
from tests.stages.conftest import Finished
from tests.stages.test_ladder import TIES, answered
from tfxfer.errors import UsageError


def exported(model: keras.Model, to: Path, *formats: str, **options: Any) -> dict[str, Any]:
    """The first artifact's entry."""
    data = answered(model)
    asked = tfxfer.ExportOptions(**options)
    report = tfxfer.export(model, to, formats, test=data, calibration=data, gates=TIES, options=asked)
    return dict(report.artifacts[0])


def ends(file: Path) -> tuple[Any, Any]:
    """The dtypes that a LiteRT file itself takes and gives."""
    interpreter = Interpreter(model_path=str(file))
    return interpreter.get_input_details()[0]["dtype"], interpreter.get_output_details()[0]["dtype"]


def most_scales(file: Path) -> int:
    """How many scales the weights with the most of them have."""
    details = Interpreter(model_path=str(file)).get_tensor_details()
    return max(len(tensor["quantization_parameters"]["scales"]) for tensor in details)


def test_options_reach_the_files_that_they_suit(tmp_path: Path) -> None:
    model = plain_network()
    options: dict[str, Any] = {
        "opset": 14,
        "granularity": "tensor",
        "input_dtype": "int8",
        "output_dtype": "int8",
    }
    exported(model, tmp_path / "asked", "litert:int8", "onnx", **options)
    exported(model, tmp_path / "plain", "litert:int8", "onnx")
    asked, plain = tmp_path / "asked", tmp_path / "plain"
    assert ends(asked / "litert/int8.tflite") == (np.int8, np.int8)
    assert ends(plain / "litert/int8.tflite") == (np.uint8, np.uint8)
    assert most_scales(asked / "litert/int8.tflite") == 1 < most_scales(plain / "litert/int8.tflite")
    opsets = [onnx.load(bundle / "onnx/float32.onnx").opset_import[0].version for bundle in (asked, plain)]
    assert opsets == [14, 17]
    assert tfxfer.verify(asked).passed


def test_a_failed_gate_climbs_the_ladder_where_that_is_asked_for(tmp_path: Path) -> None:
    entry = exported(fragile_network(), tmp_path / "bundle", "litert:int8", on_failure="ladder")
    assert (entry["status"], entry["path"]) == ("passed", "litert/smallest.tflite")
    assert entry["precision"] != "int8"
    assert [rung["status"] for rung in entry["ladder"] if rung["precision"] == "int8"] == ["failed"]


@pytest.mark.parametrize(
    ("formats", "options", "words"),
    [
        (["litert"], {"opset": 14}, "opset is for onnx. Received: litert:float32"),
        (["onnx"], {"granularity": "tensor"}, "granularity is for the precisions int8"),
        (["litert:int16x8"], {"input_dtype": "int8"}, "input_dtype is for litert:int8"),
        (["saved_model"], {"on_failure": "ladder"}, "on_failure is for the precisions of litert and onnx"),
        (["onnx"], {"opset": 99}, "opset must be one of 13, .*Received: 99"),
        (["litert:int8", "litert:int16x8"], {"on_failure": "ladder"}, "may choose litert:smallest"),
    ],
)
def test_what_suits_no_file_is_refused(
    tmp_path: Path, formats: list[str], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        exported(plain_network(), tmp_path / "bundle", *formats, **options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_takes_them_for_a_run(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    options = ["--model", str(finished.out), "--out", str(bundle), "--format", "onnx"]
    assert call("export", *options, "--granularity", "tensor") == 2
    assert "granularity is for" in one_error(capsys)
    more = ["--format", "litert:int8", "--input-dtype", "int8", "--output-dtype", "int8", "--opset", "15"]
    assert call("export", *options, *more, "--on-failure", "refuse", "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert ends(bundle / "litert/int8.tflite") == (np.int8, np.int8)
    assert onnx.load(bundle / "onnx/float32.onnx").opset_import[0].version == 15
