"""Every shipped configuration is read as it is, and does its job on the data that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pipelines.programs import program
from tfxfer.config.read import read_config
from tfxfer.errors import ConfigError
from tfxfer.stages.pipeline import run_pipeline
from tfxfer.stages.plan import make_plan

CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))
IMAGES = {"flowers.yaml": "flowers5", "defects.yaml": "magnetic_tile_defects"}
SCENES = {"multi_label.yaml": ("mean_average_precision", 0.9), "regression.yaml": ("r2", 0.97)}
WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


def test_no_configuration_is_left_out() -> None:
    """The quick start runs in tests/stages/test_main_job.py."""
    assert set(CONFIGS) == {*IMAGES, *SCENES, "quickstart.yaml", "gradual.yaml"}


def test_gradual_unfreezes_three_times_and_does_its_job(tmp_path: Path) -> None:
    config = read_config(ROOT / "configs" / "gradual.yaml")
    assert make_plan(config)["warnings"] == []
    report = run_pipeline(config, tmp_path / "run")
    phases = report["phases"]
    assert [len(phase["unfrozen_blocks"]) for phase in phases] == [0, 1, 2, 3]
    assert phases[-1]["learning_rates"] == {"head": 3e-3, "block_3": 6e-4, "block_2": 3e-4, "block_1": 1e-4}
    assert {phase["precision"] for phase in phases} == {"mixed_bfloat16"}
    assert report["test"]["accuracy"] > 0.95
    assert {artifact["status"] for artifact in report["artifacts"]} == {"passed"}


@pytest.mark.parametrize("name", sorted({*IMAGES, *SCENES}))
def test_all_that_is_missing_is_the_data(name: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.path") as caught:
        read_config(ROOT / "configs" / name)
    assert "\n" not in str(caught.value)  # one problem alone


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(IMAGES))
def test_it_does_its_job(name: str, assets: Path, tmp_path: Path) -> None:
    overrides = (
        f"data.path={assets / 'images' / IMAGES[name]}",
        f"backbone.weights={assets / 'keras_weights' / WEIGHTS}",
    )
    report = run_pipeline(read_config(ROOT / "configs" / name, overrides), tmp_path / "run")
    assert report["test"]["accuracy"] > 0.8
    assert {artifact["status"] for artifact in report["artifacts"]} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_other_tasks_do_theirs(name: str, tmp_path: Path) -> None:
    scenes = program("digit_scenes").write_scenes(tmp_path / "scenes")
    report = run_pipeline(read_config(ROOT / "configs" / name, (f"data.path={scenes}",)), tmp_path / "run")
    figure, least = SCENES[name]
    assert report["test"][figure] > least
    assert {artifact["status"] for artifact in report["artifacts"]} == {"passed"}
