"""`tfxfer find-lr`: curve, plot and suggestion of the first phase that has a rate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.running import call, one_error
from tests.stages.running import write_config

RATES = """
training:
  batch_size: 8
  phases:
    - {name: head, epochs: 2, unfreeze: none}
    - {name: fine, epochs: 2, unfreeze: 1 blocks, learning_rate: 0.001}
"""


def test_it_tests_the_phase_after_the_solved_head(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = write_config(tmp_path / "run.yaml", photos, rest=RATES), tmp_path / "found"
    assert call("find-lr", str(config), "--steps", "30", "--out", str(out), "--json", "-q") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((out / "find_lr.json").read_text())
    assert (found["phase"], found["planned"]) == ("fine", 0.001)
    assert "after head, solved" in found["why"]
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) <= 30
    assert set(found["suggestions"]) == {"valley", "steepest", "tenth_of_divergence"}
    with Image.open(out / "find_lr.png") as picture:
        assert picture.size == (960, 540)
    assert call("find-lr", str(config), "--out", str(out)) == 2
    assert "--overwrite" in one_error(capsys)


def test_a_head_that_is_solved_alone_is_tested_as_if_it_were_iterated(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "run.yaml", photos, rest="training: feature_extraction\n")
    assert call("find-lr", str(config), "--steps", "12", "-q") == 0
    out = capsys.readouterr().out
    assert "the head is solved and needs no rate" in out
    assert "suggested learning rate:" in out
    assert not (tmp_path / "find_lr.json").exists()
