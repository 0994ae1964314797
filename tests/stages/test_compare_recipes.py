"""`compare`: a small race, run for real on the embedded digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import call
from tests.stages.running import cached_stages, events_of, write_config

ARMS = ["frozen", "partial", "full", "scratch"]
GLYPHS = "backbone: embedded/small\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A race over 5 digits of each class, done once."""
    folder = tmp_path_factory.mktemp("compare")
    config = write_config(folder / "run.yaml", "embedded/digits", backbone=GLYPHS, rest="")
    options = [
        "--sizes",
        "5",
        "--epochs",
        "3",
        "--out",
        str(folder / "out"),
        "--html",
        str(folder / "race.html"),
    ]
    assert call("compare", str(config), *options) == 0
    return folder


def result_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "out" / "compare.json").read_text(encoding="utf-8")))


def test_every_way_has_its_row_and_its_curves(folder: Path) -> None:
    result = result_of(folder)
    assert [(row["size"], row["arm"]) for row in result["arms"]] == [("5", name) for name in ARMS]
    for row in result["arms"]:
        assert row["status"] == "trained"
        assert row["images"] == 50
        low, high = row["accuracy_interval"]
        assert low <= row["accuracy"] <= high
        assert sum(len(phase["history"]["val_loss"]) for phase in row["phases"]) <= 3
    parameters = [row["trainable_parameters"] for row in result["arms"]]
    assert parameters == sorted(parameters)
    assert "3 times" in result["equal"]


def test_the_page_shows_every_way_as_it_was_trained(folder: Path) -> None:
    page = (folder / "race.html").read_text(encoding="utf-8")
    assert page.count('<article class="lane') == 4
    assert page.count('<ul class="strip"') == sum(len(row["phases"]) for row in result_of(folder)["arms"])
    assert "Transfer helps" in page
    assert "<script" not in page


def test_with_few_digits_transfer_helps(folder: Path) -> None:
    verdict = result_of(folder)["verdict"]
    assert verdict["transfer"] == "helps"
    assert verdict["interval"][0] > 0
    assert verdict["against"] == "scratch"
    assert "from scratch" in verdict["why"]


def test_resuming_with_another_size_trains_only_that(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, seen = result_of(folder), len(events_of(folder / "out"))
    options = ["--sizes", "5,6", "--epochs", "3", "--out", str(folder / "out"), "--resume"]
    assert call("compare", str(folder / "run.yaml"), *options) == 0
    events = events_of(folder / "out")[seen:]
    assert {f"arm-{name}-5" for name in ARMS} <= cached_stages(events)
    result = result_of(folder)
    assert result["arms"][:4] == before["arms"]
    assert [row["size"] for row in result["arms"]] == ["5"] * 4 + ["6"] * 4
    out = capsys.readouterr().out
    assert "6 images of a class: transfer helps: " in out
    assert "equal: every arm" in out


def test_a_way_that_cannot_be_keeps_its_row(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model file has no random weights to start from, and without them there is no verdict."""
    import keras

    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="one")(image)
    keras.Model(image, keras.layers.Conv2D(8, 3, name="two")(x)).save(tmp_path / "own.keras")
    backbone = f"backbone: {{name: file/{tmp_path / 'own.keras'}, pixels: '[0,1]'}}\n"
    config = write_config(tmp_path / "run.yaml", photos, backbone=backbone, rest="")
    assert call("compare", str(config), "--sizes", "all", "--epochs", "2", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    scratch = result["arms"][-1]
    assert scratch["status"] == "failed"
    assert "random weights" in scratch["why"]
    assert result["verdict"]["transfer"] is None
    assert "random weights" in result["verdict"]["why"]
