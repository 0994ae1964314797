"""What cannot fit is refused before it starts, with the setting that would fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.running import write_config
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import ConfigError
from tfxfer.network.network import attach_head
from tfxfer.stages.estimates import workload_of
from tfxfer.stages.memory import memory_bytes, require_disk, require_memory
from tfxfer.training.phase import Phase


def test_the_batch_that_fits_is_named_and_fits() -> None:
    network = attach_head(load_backbone("embedded/small", image_size=32, weights="none"), ["a", "b"])
    workloads = [workload_of(network, Phase("fine", unfreeze="all"))]
    needed = require_memory(network, workloads, 64, available=1 << 40)
    with pytest.raises(
        ConfigError, match=r"phase 'fine' needs at least .*training\.batch_size 64"
    ) as refused:
        require_memory(network, workloads, 64, available=needed - 1)
    (most,) = re.findall(r"at most (\d+)", str(refused.value))
    assert require_memory(network, workloads, int(most), available=needed - 1) < needed
    head = [workload_of(network, Phase("head", unfreeze="none"))]
    assert require_memory(network, head, 64, available=1 << 40) < needed / 2


def test_features_that_the_disk_cannot_hold(tmp_path: Path) -> None:
    network = attach_head(load_backbone("embedded/small", image_size=32, weights="none"), ["a", "b"])
    workloads = [workload_of(network, Phase("head", unfreeze="none"))]
    require_disk(tmp_path, workloads, {"train": 100, "validation": 10}, 4)
    with pytest.raises(ConfigError, match=r"features\.dtype to float16"):
        require_disk(tmp_path, workloads, {"train": 10**13, "validation": 10}, 4)


def test_a_run_and_its_plan_are_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    backbone = "backbone: {name: embedded/small, image_size: 1500, weights: none}\n"
    rest = "training: {batch_size: 65536, phases: [{epochs: 1, unfreeze: all, learning_rate: 0.01}]}\n"
    config = str(write_config(tmp_path / "run.yaml", "photos", backbone=backbone, rest=rest))
    assert memory_bytes() < 1 << 46
    for arguments in (["plan", config], ["run", config, "--out", str(tmp_path / "out")]):
        assert call(*arguments) == 2
        assert "Set training.batch_size to at most" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
