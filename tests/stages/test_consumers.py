"""`tfxfer export --with` puts programs beside a bundle that give its golden answers where they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tfxfer.errors import UsageError
from tfxfer.stages.consumers import consumer_folders


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    make_photos(folder / "photos", per_class=12)
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(image, x).save(folder / "own.keras")
    return folder


def test_they_stand_beside_the_bundle_and_run(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bundle"
    given = ["--model", str(model / "own.keras"), "--data", str(model / "photos"), "--out", str(out)]
    assert call("export", *given, "--with", "python,browser,node", "--pixels", "[0,255]") == 0
    said = capsys.readouterr().out
    names = {"bundle", "bundle-litert_python", "bundle-onnxruntime_python", "bundle-browser"}
    assert {path.name for path in tmp_path.iterdir()} == names | {"bundle-node_onnxruntime"}
    assert not (tmp_path / "bundle-browser" / "node_modules").exists()
    for folder in ("litert_python", "onnxruntime_python"):
        program = tmp_path / f"bundle-{folder}" / "predict.py"
        command = [sys.executable, str(program), str(out), "--golden"]
        assert (
            "golden answers hold"
            in subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )
        assert f"python {program} {out}" in said
    assert "?bundle=../bundle/" in said
    assert call("verify", str(out)) == 0


@pytest.mark.parametrize(
    ("names", "formats", "words"),
    [
        (["android"], ["litert"], "Received: 'android'"),
        (["node"], ["litert"], "Add --format onnx"),
        (["python"], ["saved_model"], "Add --format litert or onnx"),
    ],
)
def test_what_cannot_be_put_there_is_refused_before_anything_is_exported(
    names: list[str], formats: list[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        consumer_folders(names, tmp_path / "bundle", formats)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bundle-browser").mkdir()
    with pytest.raises(UsageError, match="Move it away"):
        consumer_folders(["browser"], tmp_path / "bundle", ["onnx"])
