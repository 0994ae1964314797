"""Pixels that do not fit what the backbone's BatchNorm layers remember are warned of, in a plan already."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.backbones.lively import lively, photographs
from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.running import write_config
from tfxfer.network.run_backbone import backbone_model


def test_a_plan_warns_of_pixels_that_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    backbone_model(lively("embedded/small", photographs("embedded/small"))).save("model.keras")
    make_photos(tmp_path / "photos", per_class=10)
    said = {}
    for pixels in ("[0,255]", "[-1,1]"):
        backbone = f'backbone: {{name: file/model.keras, pixels: "{pixels}"}}\n'
        write_config(
            tmp_path / "run.yaml", "photos", backbone=backbone, rest="training: feature_extraction\n"
        )
        assert call("plan", "run.yaml", "--json") == 0, capsys.readouterr().err
        said[pixels] = [text for text in json.loads(capsys.readouterr().out)["warnings"] if "pixels" in text]
    (warning,) = said["[0,255]"]
    assert "backbone.pixels may be wrong" in warning
    assert "tfxfer check PICTURES --backbone file/" in warning
    assert said["[-1,1]"] == []
