"""OpenVINO's folders: bytes that depend on the network alone, arithmetic in float32, what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfxfer
from tests.cli.running import call, one_error
from tests.conftest import ROOT
from tests.formats.models import LABELS, images
from tests.formats.test_litert_int8 import plain_network
from tests.stages.test_ladder import answered
from tests.verification.tampering import rehash_contract
from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime
from tfxfer.verification.verify import inspect_bundle


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_one_process_writes_the_same_bytes_twice(precision: str, traced: Traced, tmp_path: Path) -> None:
    first, again = (
        write_artifact("openvino", traced, tmp_path / name, precision=precision) for name in ("a", "b")
    )
    assert first.sha256 == again.sha256
    text = (first.path / "model.xml").read_text("utf-8")
    assert str(tmp_path) not in text
    assert sorted(path.name for path in first.path.iterdir()) == ["model.bin", "model.xml"]


def test_half_of_the_bytes_and_the_same_answers(traced: Traced, tmp_path: Path) -> None:
    whole = write_artifact("openvino", traced, tmp_path / "float32")
    half = write_artifact("openvino", traced, tmp_path / "float16", precision="float16")
    sizes = [(artifact.path / "model.bin").stat().st_size for artifact in (whole, half)]
    assert sizes[1] < 0.6 * sizes[0]
    batch = images(8)
    wanted = traced.function(batch)["logits"].numpy()
    for artifact, share in ((whole, 1e-5), (half, 1e-2)):
        runtime = open_runtime("openvino", artifact.path, threads=1)
        assert runtime.labels == LABELS
        assert np.abs(runtime.predict(batch).logits - wanted).max() <= share * np.abs(wanted).max()


SIGNAL_STACK = """
import ctypes, sys, numpy as np
from pathlib import Path
from tfxfer.runtimes import open_runtime

def stack():
    found = (ctypes.c_size_t * 3)()  # its start, its flags, its size
    ctypes.CDLL(None).sigaltstack(None, found)
    return list(found)

before = stack()
runtime = open_runtime("openvino", Path(sys.argv[1]))
runtime.predict(np.zeros((2, *runtime.input_shape), runtime.input_dtype))
assert stack() == before, (before, stack())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="signal stacks are asked for as Linux does it")
def test_the_signal_stack_of_the_thread_stays(traced: Traced, tmp_path: Path) -> None:
    """OpenVINO's own is too small for Python's handlers: Ctrl-C would be a segmentation fault."""
    artifact = write_artifact("openvino", traced, tmp_path / "x")
    command = [sys.executable, "-c", SIGNAL_STACK, str(artifact.path)]  # it is set once in a process
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_other_tasks_are_stated_in_the_file(tmp_path: Path) -> None:
    labels = ["a", "b", "c"]
    for task in ("multi_label", "regression"):
        traced = trace(plain_network(), labels=labels, task=task)  # type: ignore[arg-type]
        assert open_runtime("openvino", write_artifact("openvino", traced, tmp_path / task).path).task == task


@pytest.mark.parametrize("part", ["model.xml", "model.bin"])
def test_a_damaged_folder_is_refused(part: str, traced: Traced, tmp_path: Path) -> None:
    path = write_artifact("openvino", traced, tmp_path / "x").path
    (path / part).write_bytes((path / part).read_bytes()[:100])
    with pytest.raises(RuntimeUnavailableError, match=r"which OpenVINO can run\. Received"):
        open_runtime("openvino", path)


def test_a_bundle_with_it_is_verified_and_a_changed_weight_found(tmp_path: Path) -> None:
    model = plain_network()
    report = tfxfer.export(
        model, tmp_path / "bundle", ["openvino", "openvino:float16"], test=answered(model), gates={}
    )
    assert [entry["path"] for entry in report.artifacts] == ["openvino/float32", "openvino/float16"]
    assert tfxfer.verify(tmp_path / "bundle").passed
    weights = tmp_path / "bundle/openvino/float32/model.bin"
    kernel = model.layers[2].kernel.numpy().transpose(3, 2, 0, 1)
    data, largest = weights.read_bytes(), kernel.flat[np.abs(kernel).argmax()]
    assert largest.tobytes() in data
    weights.write_bytes(data.replace(largest.tobytes(), (-largest).tobytes(), 1))
    rehash_contract(tmp_path / "bundle")
    assert {check.name for check in inspect_bundle(tmp_path / "bundle").failures} == {"openvino/float32"}


def test_without_the_extra_it_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    model = plain_network()
    with pytest.raises(UsageError, match=r"pip install 'tfxfer\[openvino\]'"):
        tfxfer.export(model, tmp_path / "bundle", ["openvino"], test=answered(model))
    config = tmp_path / "run.yaml"
    config.write_text("data: embedded/digits\nbackbone: embedded/small\nexports: [openvino:float16]\n")
    for command in (("run", "--out", str(tmp_path / "out")), ("plan",)):
        assert call(command[0], str(config), *command[1:]) == 2
        assert "tfxfer[openvino]" in one_error(capsys)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "bundle").exists()
