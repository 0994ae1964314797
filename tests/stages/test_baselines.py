"""Baselines, verdict and label issues of a run."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.running import cached_stages, events_of, report_of, write_config

GLYPHS = "backbone: embedded/small\n"
HEAD_ONLY = "training: feature_extraction\n"


def test_a_run_has_baselines_and_says_what_it_did_not_measure(finished: Finished) -> None:
    found = finished.report["baselines"]
    assert {entry["name"] for entry in found["details"]} == {
        "majority",
        "raw_pixels",
        "linear_probe",
        "nearest_neighbours",
    }
    for name in ("majority", "raw_pixels", "linear_probe", "nearest_neighbours"):
        assert 0 <= found[name] <= 1
    assert found["raw_pixels"] == 1  # the colour tells the class
    assert found["scratch"] is None
    assert "tfxfer compare" in found["why"]["scratch"]


def test_random_weights_transfer_nothing(finished: Finished) -> None:
    verdict = finished.report["verdict"]
    assert verdict["transfer"] is None
    assert "random" in verdict["why"]


def test_features_are_computed_once_for_training_and_baselines(finished: Finished) -> None:
    """Three splits at the head's boundary, two of them at the next phase's."""
    assert len(list((finished.out / "stages" / "features").glob("*/features.npy"))) == 5


def test_baselines_are_kept(finished: Finished, tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", per_class=24)
    shutil.copy(finished.config, tmp_path / "run.yaml")
    out = finished.copy(tmp_path / "out")
    before = len(events_of(out))
    photos = finished.folder / "photos"
    options = ["--set", f"data.path={photos}", "--set", "exports=[]", "--resume"]
    assert call("run", str(tmp_path / "run.yaml"), "--out", str(out), *options) == 0
    assert {"train", "evaluate", "baselines"} <= cached_stages(events_of(out)[before:])
    assert report_of(out)["baselines"] == finished.report["baselines"]


def test_pictures_in_the_wrong_folder_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = make_photos(tmp_path / "photos", per_class=40)
    for number in range(4):
        (photos / "red" / f"{number:03d}.png").rename(photos / "blue" / f"moved{number}.png")
    config = write_config(tmp_path / "run.yaml", photos, backbone=GLYPHS, rest=HEAD_ONLY)
    out = tmp_path / "out"
    assert call("train", str(config), "--out", str(out)) == 0
    rows = list(csv.DictReader((out / "label_issues.csv").open(newline="", encoding="utf-8")))
    splits = {row["path"]: row["split"] for row in csv.DictReader((out / "splits.csv").open(newline=""))}
    learnt = {path for path, split in splits.items() if "moved" in path and split != "test"}
    assert {row["path"] for row in rows} == learnt
    assert all(row["label"] == "blue" and row["suggested_label"] == "red" for row in rows)
    assert all(row["split"] == splits[row["path"]] for row in rows)
    issues = report_of(out)["label_issues"]
    assert issues["count"] == len(learnt)
    assert [entry["path"] for entry in issues["top"]] == [row["path"] for row in rows]
    assert f"labels that are likely wrong: {len(learnt)}" in capsys.readouterr().out


def test_baselines_can_be_switched_off(tmp_path: Path, photos: Path) -> None:
    config = write_config(tmp_path / "run.yaml", photos, rest=HEAD_ONLY)
    out = tmp_path / "out"
    assert call("train", str(config), "--out", str(out), "--set", "evaluation.baselines=false") == 0
    report = report_of(out)
    assert report["baselines"]["majority"] is None
    assert report["verdict"]["transfer"] is None
    assert report["label_issues"]["count"] is None
    for why in (
        *report["baselines"]["why"].values(),
        report["verdict"]["why"],
        report["label_issues"]["why"],
    ):
        assert why == "evaluation.baselines is false"
    assert not (out / "label_issues.csv").exists()
    assert len(list((out / "stages" / "features").glob("*/features.npy"))) == 2  # none of the test split


def test_labels_that_the_backbone_discards_are_no_success_of_transfer(tmp_path: Path) -> None:
    """Negative transfer, planted: the place of a spot, which pooling forgets and a thumbnail shows."""
    random = np.random.default_rng(0)
    for label, column in (("left", 0), ("right", 1)):
        (tmp_path / "spots" / label).mkdir(parents=True)
        for number in range(60):
            pixels = random.integers(60, 100, (32, 32, 3), dtype=np.uint8)
            x, y = 16 * column + random.integers(2, 8), random.integers(2, 24)
            pixels[y : y + 6, x : x + 6] = 220
            Image.fromarray(pixels).save(tmp_path / "spots" / label / f"{number:03d}.png")
    config = write_config(tmp_path / "run.yaml", tmp_path / "spots", backbone=GLYPHS, rest=HEAD_ONLY)
    assert call("train", str(config), "--out", str(tmp_path / "out")) == 0
    report = report_of(tmp_path / "out")
    assert report["verdict"]["transfer"] in ("hurts", "neutral")
    assert report["verdict"]["gain"] <= 0
    assert report["verdict"]["against"] == "raw_pixels"
    assert "tfxfer compare" in report["verdict"]["why"]


@pytest.mark.real
@pytest.mark.slow
def test_transfer_helps_with_flowers(tmp_path: Path, assets: Path) -> None:
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    backbone = (
        "backbone: {name: keras/MobileNetV2, image_size: 96, options: {alpha: 0.35}, "
        f"weights: {assets / 'keras_weights' / name}}}\n"
    )
    config = write_config(
        tmp_path / "run.yaml", assets / "images" / "flowers5", backbone=backbone, rest=HEAD_ONLY
    )
    assert call("train", str(config), "--out", str(tmp_path / "out")) == 0
    verdict = report_of(tmp_path / "out")["verdict"]
    assert verdict["transfer"] == "helps"
    assert verdict["interval"][0] > 0
