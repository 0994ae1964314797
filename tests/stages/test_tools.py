"""The single commands on what users have: a model file of their own, a run directory, a bundle, one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.running import snapshot
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import resize_image
from tfxfer.errors import UsageError
from tfxfer.verification.own_model import open_own_model

SIZE = (24, 32)
LABELS = ("blue", "red")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("colours") / "photos", per_class=16, seed=3)


def read_images(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 24, 32, 3) uint8 and class numbers, in the alphabetical order of the folders."""
    paths = sorted(folder.glob("*/*.png"))
    images = [resize_image(decode_image(path.read_bytes()), SIZE, "stretch") for path in paths]
    return np.stack(images), np.array([LABELS.index(path.parent.name) for path in paths])


@pytest.fixture(scope="module")
def scaled_model(colours: Path) -> keras.Model:
    """Trained by plain Keras on RGB in [-1, 1], and blind outside of it."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE, 3), name="photo")
    x = keras.layers.Activation("hard_tanh")(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x, name="mine")
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    images, targets = read_images(colours)
    model.fit(images / 127.5 - 1, targets, epochs=12, verbose=0)
    return model


@pytest.fixture(scope="module")
def model_file(scaled_model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "my.keras"
    scaled_model.save(path)
    return path


def called(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[dict[str, Any], str]:
    """The JSON document that a command prints, and what it says on stderr."""
    capsys.readouterr()
    assert call(*map(str, arguments), "--json") == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    capsys.readouterr()
    assert call(*map(str, arguments)) == code
    out, err = capsys.readouterr()
    assert out == ""
    return err


def input_of(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "contract.json").read_text("utf-8"))["input"]


def test_evaluate_with_the_pixels_that_the_model_knows(
    model_file: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, err = called(capsys, "evaluate", "--model", model_file, "--data", colours, "--pixels", "[-1,1]")
    assert found["accuracy"] == 1.0
    assert [entry["label"] for entry in found["per_class"]] == list(LABELS)
    assert "warning" not in err


def test_accuracy_at_chance_names_pixels(
    model_file: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, err = called(capsys, "evaluate", "--model", model_file, "--data", colours)
    assert found["accuracy"] == 0.5
    assert "--pixels" in found["warnings"][0]
    assert "warning: accuracy 0.500" in err


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_export_with_pixels_puts_them_into_the_graph(
    dtype: str, model_file: Path, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--pixels", "[-1,1]", "--input-dtype", dtype, "--format", "litert", "--format", "onnx"]
    bundle = tmp_path / "bundle"
    report, err = called(
        capsys, "export", "--model", model_file, "--data", colours, "--out", bundle, *options
    )
    assert report["passed"] is True
    assert [entry["accuracy"] for entry in report["artifacts"]] == [1.0, 1.0]
    assert "warning" not in err
    assert (input_of(bundle)["dtype"], input_of(bundle)["range"]) == (dtype, [0, 255])
    verified, _ = called(capsys, "verify", bundle, "--data", colours)
    assert {check["status"] for check in verified["checks"]} == {"passed"}
    answers, _ = called(capsys, "predict", "--model", bundle, "--data", colours / "red")
    assert {entry["label"] for entry in answers["predictions"]} == {"red"}


def test_export_without_pixels_warns_and_keeps_the_models_input(
    model_file: Path, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    options = ["--data", colours, "--out", bundle, "--format", "litert"]
    report, err = called(capsys, "export", "--model", model_file, *options)
    assert report["passed"] is True
    assert "--pixels" in err
    assert input_of(bundle)["dtype"] == "float32"


def test_an_h5_file_is_a_model_too(
    scaled_model: keras.Model, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scaled_model.save(tmp_path / "my.h5")
    options = ["--model", tmp_path / "my.h5", "--data", colours, "--pixels", "[-1,1]"]
    found, _ = called(capsys, "evaluate", *options)
    assert found["accuracy"] == 1.0


def test_refusals_of_a_model_file(
    model_file: Path, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    three = Path(shutil.copytree(colours, tmp_path / "three"))
    shutil.copytree(colours / "red", three / "green")
    for picture in (three / "green").iterdir():
        picture.write_bytes(picture.read_bytes() + b"\0")  # other bytes, the same picture
    options = ["--model", model_file, "--out", tmp_path / "bundle"]
    assert "the model's 2 classes" in refused(capsys, 1, "export", *options, "--data", three)
    assert "Give --data PATH" in refused(capsys, 2, "export", *options)
    assert "Give --data PATH" in refused(capsys, 2, "evaluate", "--model", model_file)
    (tmp_path / "broken.keras").write_bytes(b"no model")
    err = refused(capsys, 1, "evaluate", "--model", tmp_path / "broken.keras", "--data", colours)
    assert "must hold a whole model" in err
    assert not (tmp_path / "bundle").exists()


def test_pixels_are_refused_where_the_model_takes_bytes(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = keras.Input((*SIZE, 3), dtype="uint8")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    keras.Model(image, keras.layers.Dense(2)(x)).save(tmp_path / "bytes.keras")
    options = ["--model", tmp_path / "bytes.keras", "--data", colours]
    assert "uint8 already" in refused(capsys, 2, "evaluate", *options, "--pixels", "[0,1]")


def test_a_run_is_measured_on_its_own_test_split(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = called(capsys, "evaluate", "--model", finished.out)
    for name in ("accuracy", "loss", "macro_f1"):
        assert found[name] == pytest.approx(finished.report["test"][name], abs=1e-6)
    assert found["confusion"] == finished.report["test"]["confusion"]
    assert found["n"] == finished.report["data"]["test"]


def test_a_run_is_exported_on_its_own_test_split(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(finished.out)
    bundle = tmp_path / "bundle"
    report, _ = called(capsys, "export", "--model", finished.out, "--out", bundle, "--format", "onnx")
    assert report["passed"] is True
    assert report["test"]["n"] == finished.report["data"]["test"]
    assert snapshot(finished.out) == before
    assert called(capsys, "verify", bundle)[0]["passed"] is True


@pytest.fixture
def moved(finished: Finished, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the run and of its data, which the copy's config names."""
    out, data = finished.copy(tmp_path / "out"), tmp_path / "photos"
    shutil.copytree(finished.folder / "photos", data)
    config = out / "config.yaml"
    text = config.read_text("utf-8")
    assert str(finished.folder / "photos") in text
    config.write_text(text.replace(str(finished.folder / "photos"), str(data)), encoding="utf-8")
    return out, data


def test_data_that_moved_are_read_again_and_nothing_is_written(
    finished: Finished, moved: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = moved
    before = snapshot(out)
    found, _ = called(capsys, "evaluate", "--model", out)
    assert found["n"] == finished.report["data"]["test"]
    assert snapshot(out) == before


def test_data_that_changed_are_refused(moved: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    out, data = moved
    rows = [line.split(",") for line in (out / "splits.csv").read_text("utf-8").splitlines()]
    (data / next(path for path, _, split in rows if split == "test")).unlink()
    err = refused(capsys, 1, "evaluate", "--model", out)
    assert "must give the test split" in err
    assert "Give --data" in err
    shutil.rmtree(data)
    assert str(data) in refused(capsys, 1, "evaluate", "--model", out)


def test_every_artifact_and_the_run_say_the_same(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["", "bundle", "bundle/litert/float32.tflite", "bundle/onnx/float32.onnx", "bundle/saved_model"]
    photos = finished.folder / "photos"
    said = [
        called(capsys, "predict", "--model", finished.out / place, "--data", photos)[0]["predictions"]
        for place in places
    ]
    assert len(said[0]) == 48
    for other in said[1:]:
        assert [entry["path"] for entry in other] == [entry["path"] for entry in said[0]]
        assert [entry["label"] for entry in other] == [entry["label"] for entry in said[0]]
        for one, two in zip(said[0], other, strict=True):
            assert two["probabilities"] == pytest.approx(one["probabilities"], abs=1e-4)


def benchmarked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[dict[str, Any], str]:
    quick = ["--threads", "1", "--batch", "1", "--runs", "2"]
    return called(capsys, "benchmark", *quick, *arguments)


def test_a_users_own_models_are_timed_and_scored_beside_each_other(
    model_file: Path,
    scaled_model: keras.Model,
    colours: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved = tmp_path / "mine"
    scaled_model.export(saved, verbose=False)
    options = ["--model", model_file, "--model", saved, "--data", colours]
    found, err = benchmarked(capsys, *options, "--pixels", "[-1,1]")
    first, second = found["rows"]
    assert (first["artifact"], first["accuracy"], first["n"]) == ("my.keras", 1.0, 32)
    assert "accuracy_drop" not in first  # it is what the other is held against
    assert (second["accuracy"], second["accuracy_drop"]) == (1.0, 0.0)
    assert second["drop_from"] == str(model_file)
    assert min(first["p50_ms"], second["p50_ms"]) > 0
    assert "warning" not in err
    unscaled, err = benchmarked(capsys, "--model", saved, "--data", colours)
    assert unscaled["rows"][0]["accuracy"] == 0.5
    assert err.count("--pixels") == 1
    assert "--data" in refused(capsys, 2, "benchmark", "--model", model_file, "--pixels", "[0,1]")


def test_a_file_without_a_report_is_scored_on_data(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, photos = finished.out / "bundle", finished.folder / "photos"
    inside, alone = bundle / "onnx/float32.onnx", tmp_path / "alone.tflite"
    shutil.copy(bundle / "litert/float32.tflite", alone)
    found, _ = benchmarked(capsys, "--model", inside, "--model", alone, "--data", photos)
    of_run, lonely = found["rows"]
    assert (of_run["n"], of_run["drop_from"]) == (48, "network")  # all pictures: not the report's figures
    assert lonely["drop_from"] == str(inside)
    expected, _ = called(capsys, "evaluate", "--model", finished.out, "--data", photos)
    for row in found["rows"]:
        assert row["accuracy"] == expected["accuracy"]
        assert row["accuracy_drop"] == 0.0


def test_a_users_saved_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    any_size = keras.Input((None, None, 3))
    classes = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(any_size))
    keras.Model(any_size, classes).export(tmp_path / "any", verbose=False)
    with pytest.raises(UsageError, match="images of one size"):
        open_own_model(tmp_path / "any")
