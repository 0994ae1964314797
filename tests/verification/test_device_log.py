"""What LiteRT's benchmark_model prints, by several versions of it and through logcat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.errors import UsageError
from tfxfer.verification.device_log import read_device_log

NEW = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [4]
INFO: Graph: [/data/local/tmp/float32.tflite]
INFO: Loaded model /data/local/tmp/float32.tflite
INFO: The input model file size (MB): 1.61955
INFO: Initialized session in 6.395ms.
INFO: count=154 first=18080 curr=2700 min=2600 max=18080 avg=3243.58 std=2165 p5=2630 median=2761 p95=5331

INFO: count=337 first=2881 curr=2703 min=2605 max=20356 avg=2942.27 std=1190 p5=2647 median=2781 p95=3169

INFO: Inference timings in us: Init: 6395, First inference: 2761, Warmup (avg): 3243.58, Inference (avg): 2942.27
INFO: Note: the following is only APPROXIMATE to the actual memory footprint of the model at runtime.
INFO: Memory footprint delta from the start of the tool (MB): init=39.4531 overall=40.8281
"""
OLDER = """\
07-08 15:34:26.201 I/tflite  ( 5395): Graph: [int8.tflite]
07-08 15:34:26.201 I/tflite  ( 5395): count=10 first=26538 curr=27092 min=26408 max=31025 avg=2.71985e+04 std=1051
07-08 15:34:26.202 I/tflite  ( 5395): Inference timings in us: Init: 4588, First inference: 27321, Warmup (avg): 2.73215e+04, Inference (avg): 2.71985e+04
"""  # noqa: E501
OLDEST = "... tflite  : Average inference timings in us: Warmup: 91471, Init: 4108, Inference: 80660.1\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "pixel 9.txt"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_present_tool(tmp_path: Path) -> None:
    (found,) = read_device_log(written(tmp_path, NEW))
    assert (found.device, found.graph, found.threads, found.runs) == ("pixel 9", "float32.tflite", 4, 337)
    assert (found.p50_ms, found.p95_ms, found.mean_ms, found.load_ms) == (2.781, 3.169, 2.94227, 6.395)
    assert found.size_bytes == 1_619_550
    assert found.memory_bytes == round(40.8281 * 1024 * 1024)


def test_an_older_tool_through_logcat_has_no_percentiles(tmp_path: Path) -> None:
    (found,) = read_device_log(written(tmp_path, OLDER))
    assert (found.graph, found.runs, found.p50_ms, found.p95_ms) == ("int8.tflite", 10, None, None)
    assert (found.mean_ms, found.load_ms) == (27.1985, 4.588)
    (oldest,) = read_device_log(written(tmp_path, OLDEST))
    assert (oldest.mean_ms, oldest.load_ms, oldest.graph) == (80.6601, 4.108, "")


def test_several_runs_in_one_file_are_kept_apart(tmp_path: Path) -> None:
    first, second = read_device_log(written(tmp_path, NEW + OLDER))
    assert (first.graph, second.graph) == ("float32.tflite", "int8.tflite")
    assert second.threads is None
    assert second.p50_ms is None
    assert second.memory_bytes is None


def test_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="benchmark_model prints"):
        read_device_log(written(tmp_path, "hello"))
    with pytest.raises(UsageError, match="can be read"):
        read_device_log(tmp_path / "nowhere.txt")
