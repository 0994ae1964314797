"""Forgetting: the source task's accuracy before and after, in a whole run and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import call, one_error
from tests.conftest import make_photos
from tests.recipes.test_refine import network, split
from tests.stages.running import report_of, write_config
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import DataError
from tfxfer.recipes.forgetting import forgetting

PHASES = """
training: {phases: [{name: fine, epochs: 1, unfreeze: all, learning_rate: 0.0001}]}
exports: []
evaluation: {baselines: false, source_data: source}
"""


@pytest.fixture(scope="module")
def source() -> dict[str, ArraySplit]:
    return {"train": split(60, 0), "validation": split(30, 1), "test": split(30, 2)}


def test_a_backbone_that_stayed_forgets_nothing_and_one_that_was_wiped_forgets_all(
    source: dict[str, ArraySplit],
) -> None:
    same = forgetting(network(), network(), source, 3)
    assert same.before == same.after == same.after_same_head > 0.8
    assert (same.lost, same.images) == (0, 30)
    wiped = network()
    for block in ("block_3_2_bn", "block_3_shortcut_bn"):
        layer = wiped.model.get_layer(block)
        layer.gamma.assign(np.zeros(layer.gamma.shape))
    found = forgetting(network(), wiped, source, 3)
    assert found.before == same.before
    assert found.after < 0.6
    assert found.lost == pytest.approx(found.before - found.after)
    assert found.interval[0] > 0


def test_source_data_that_no_head_can_be_solved_for_are_refused(source: dict[str, ArraySplit]) -> None:
    with pytest.raises(DataError, match="not every class"):
        forgetting(network(), network(), source, 4)


@pytest.mark.slow
def test_a_run_reports_it(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_photos(tmp_path / "source", per_class=20, labels=("one", "two"), seed=5)
    backbone = "backbone: {name: embedded/small, image_size: 32}\n"
    config = write_config(tmp_path / "run.yaml", photos, backbone=backbone, rest=PHASES)
    assert call("run", str(config), "--out", str(tmp_path / "out"), "-q") == 0
    found = report_of(tmp_path / "out")["forgetting"]
    assert 0.5 < found["before"] <= 1
    assert set(found) == {"images", "before", "after_same_head", "after", "lost", "interval"}
    capsys.readouterr()
    assert call("plan", str(config), "--set", "evaluation.source_data=nowhere") == 2
    assert "evaluation.source_data must be a folder" in one_error(capsys)
    assert json.dumps(found)
