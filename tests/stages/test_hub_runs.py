"""A SavedModel through the whole pipeline, and the finished run as the next one's backbone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.backbones.modules import save_tiny
from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.running import events_of, report_of, write_config

PHASES = """
training:
  phases:
    - {name: head, epochs: 1, unfreeze: none}
    - {name: fine, epochs: 1, unfreeze: 2 blocks, learning_rate: 0.001}
    - {name: whole, epochs: 1, unfreeze: all, learning_rate: 0.001, batch_norm: learn}
exports: [saved_model, litert, onnx]
evaluation: {baselines: false}
gates: {min_accuracy: 0}
"""


@pytest.mark.slow
def test_a_saved_model_is_trained_exported_and_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tf.random.set_seed(None)  # type: ignore[arg-type]  # so that its dropout is exported without a seed
    save_tiny(tmp_path / "module")
    make_photos(tmp_path / "photos", per_class=20)
    write_config(
        tmp_path / "one.yaml",
        "photos",
        backbone='backbone: {name: hub/module, pixels: "[-1,1]"}\n',
        rest=PHASES,
    )
    assert call("plan", "one.yaml", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["backbone"]["blocks"] == ["stem", "block_1", "block_2"]
    assert call("run", "one.yaml", "--out", "one", "--quiet") == 0, capsys.readouterr().err
    report = report_of(tmp_path / "one")
    assert [phase["unfrozen_blocks"] for phase in report["phases"]] == [
        [],
        ["block_1", "block_2"],
        ["stem", "block_1", "block_2"],
    ]
    assert {artifact["status"] for artifact in report["artifacts"]} == {"passed"}
    assert "random operations inside the SavedModel" in report["not_deterministic"][-1]
    assert not [event for event in events_of(tmp_path / "one") if "pixels may be wrong" in str(event)]
    write_config(tmp_path / "two.yaml", "photos", backbone="backbone: run/one\n", rest=PHASES)
    assert call("run", "two.yaml", "--out", "two", "--quiet") == 0, capsys.readouterr().err
    second = report_of(tmp_path / "two")
    assert second["backbone"]["parameters"] == report["backbone"]["parameters"]
    assert second["backbone"]["image_size"] == [12, 12]
    assert {artifact["status"] for artifact in second["artifacts"]} == {"passed"}
