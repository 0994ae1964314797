"""`tfxfer check PICTURES --backbone NAME`: known pictures get their labels, and wrong pixels are found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.running import call

WEIGHTS = "keras_weights/mobilenet_2_5_224_tf.h5"


@pytest.fixture
def known(assets: Path, tmp_path: Path) -> Path:
    """A folder per label, one picture in it."""
    (tmp_path / "known/cheeseburger").mkdir(parents=True)
    shutil.copy(assets / "litert/burger.jpg", tmp_path / "known/cheeseburger")
    return tmp_path / "known"


def check(assets: Path, known: Path, pixels: str = "") -> int:
    backbone = f"keras/MobileNet?alpha=0.25&weights={assets / WEIGHTS}{pixels and f'&pixels={pixels}'}"
    labels = assets / "litert/imagenet_labels.txt"
    return call("check", str(known), "--backbone", backbone, "--labels", str(labels), "--json")


@pytest.mark.real
def test_mobilenet_says_cheeseburger(assets: Path, known: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(assets, known) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["recognised"], report["pictures"], report["problems"]) == (1, 1, [])
    assert report["candidates"][0]["probability"] > 0.9


@pytest.mark.real
@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        ("{order: bgr, scale: 0.00784314, offset: -1}", "0 of 1"),
        ("{scale: 0.0000615148, offset: -1.00784314}", "0 of 1"),  # scaled to [-1,1], and then once more
        (
            "{scale: 0.01568627, offset: -2}",
            "Is the picture scaled twice",
        ),  # twice as wide: still a cheeseburger
        ("[0,255]", "0 of 1"),
    ],
)
def test_wrong_pixels_are_found(
    pixels: str, words: str, assets: Path, known: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(assets, known, pixels) == 1
    report = capsys.readouterr()
    assert words in " ".join(json.loads(report.out)["problems"])
    assert report.err.startswith("error: ")


@pytest.mark.real
@pytest.mark.slow
def test_labels_of_another_network_and_unknown_folders_are_refused(
    assets: Path, known: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (known / "cheeseburger").rename(known / "hamburger")
    assert check(assets, known) == 1
    assert "no label 'hamburger'" in capsys.readouterr().err
    backbone = f"keras/MobileNet?alpha=0.25&weights={assets / WEIGHTS}"
    labels = assets / "litert/labels_imagenet_slim.txt"
    assert call("check", str(known), "--backbone", backbone, "--labels", str(labels)) == 2
    assert "1000 outputs. Received: 1001" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["kerashub/vit_base_patch16_224_imagenet", "run/first"])
def test_a_backbone_without_a_classifier_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", str(tmp_path), "--backbone", name) == 2
    assert "has no classifier of its own" in capsys.readouterr().err


def test_labels_need_a_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.txt").write_text("a\n")
    assert call("check", str(tmp_path), "--labels", str(tmp_path / "labels.txt")) == 2
    assert "Add --backbone" in capsys.readouterr().err


@pytest.mark.slow
def test_pixels_that_nobody_stated_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.backbones.lively import lively, photographs
    from tests.conftest import make_photos
    from tfxfer.network.run_backbone import backbone_model

    backbone_model(lively("embedded/small", photographs("embedded/small"))).save(tmp_path / "m.keras")
    make_photos(tmp_path / "photos", per_class=3)
    assert call("check", str(tmp_path / "photos"), "--backbone", f"file/{tmp_path / 'm.keras'}") == 1
    assert "pixels must be stated. Received: none." in capsys.readouterr().err
