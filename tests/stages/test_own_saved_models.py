"""A user's own SavedModel on the command line: re-exported, each file proven against it; and tasks of own models."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import tfxfer
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.test_tools import called, input_of, read_images, refused
from tfxfer.data.resize import resize_image
from tfxfer.errors import UsageError
from tfxfer.runtimes.opening import open_runtime

SIZE = (24, 32)
FORMATS = ("litert", "litert:float16", "litert:dynamic_int8", "litert:int8", "onnx", "onnx:int8")


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two colours with folders named train and test."""
    folder = tmp_path_factory.mktemp("split")
    for seed, name in enumerate(("train", "test")):
        make_photos(folder / "photos" / name, per_class=12, seed=seed)
    return folder / "photos"


@pytest.fixture(scope="module")
def model(split: Path) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE, 3), name="photo")
    x = keras.layers.Activation("hard_tanh")(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x, name="mine")
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    images, targets = read_images(split / "train")
    model.fit(images / 127.5 - 1, targets, epochs=20, verbose=0)
    return model


def test_a_saved_model_is_exported_and_each_file_held_against_it(
    model: keras.Model, split: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, bundle = tmp_path / "mine", tmp_path / "bundle"
    model.export(saved, verbose=False)
    formats = [part for name in FORMATS for part in ("--format", name)]
    options = ["--data", split, "--out", bundle, "--pixels", "[-1,1]", "--input-dtype", "uint8", *formats]
    report, err = called(capsys, "export", "--model", saved, *options)
    assert "warning" not in err
    assert report["passed"] is True
    assert [f"{entry['format']}:{entry['precision']}" for entry in report["artifacts"]] == [
        name if ":" in name else f"{name}:float32" for name in FORMATS
    ]
    assert report["test"]["n"] == 24
    assert input_of(bundle) | {"dtype": "uint8", "range": [0, 255]} == input_of(bundle)
    images, _ = read_images(split / "test")
    own = np.asarray(model(images / 127.5 - 1))
    for entry in report["artifacts"]:
        found = open_runtime(entry["format"], Path(report["bundle"]) / entry["path"]).predict(images)
        limit = 1e-4 if entry["precision"] == "float32" else 0.05
        np.testing.assert_allclose(found.probabilities, own, atol=limit)
    assert called(capsys, "verify", bundle, "--data", split)[0]["passed"] is True
    again = refused(capsys, 2, "export", "--model", saved, *options)
    assert "exists. Give another folder" in again


def test_own_models_of_other_tasks_say_so(
    split: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = Path(shutil.copytree(split / "test", tmp_path / "photos"))
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.glob("*/*.png"))
    labels = [f"{path},{'red' if path.startswith('red') else 'blue|cold'}" for path in paths]
    values = [f"{path},{1.0 if path.startswith('red') else 0.0}" for path in paths]
    for name, rows in (("labels", labels), ("value", values)):
        (photos / f"{name}.csv").write_text("\n".join([f"path,{name}", *rows]), encoding="utf-8")
    means = keras.layers.GlobalAveragePooling2D()
    image = keras.Input((*SIZE, 3))
    redness = np.array([[1.0], [0.0], [-1.0]]) / 64  # red less blue
    tag = keras.layers.Dense(3, activation="sigmoid", name="tags")
    tags = keras.Model(image, tag(means(image)))
    tag.set_weights([redness * [[-1.0, -1.0, 1.0]], np.zeros(3)])  # blue, cold, red
    number = keras.layers.Dense(1)
    numbers = keras.Model(image, number(means(image)))
    number.set_weights([redness / 4, np.full(1, 0.5)])
    tags.save(tmp_path / "tags.keras")
    numbers.export(tmp_path / "numbers", verbose=False)
    several = ["--model", tmp_path / "tags.keras", "--data", photos / "labels.csv", "--task", "multi_label"]
    assert called(capsys, "evaluate", *several)[0]["mean_average_precision"] == 1.0
    one = ["--model", tmp_path / "numbers", "--data", photos / "value.csv", "--task", "regression"]
    expected = called(capsys, "evaluate", *one)[0]["mean_absolute_error"]
    assert 0 < expected < 0.5
    report, _ = called(capsys, "export", *one, "--out", tmp_path / "bundle", "--format", "litert")
    assert report["artifacts"][0]["mean_absolute_error"] == pytest.approx(expected, abs=1e-4)
    timed = ["--threads", "1", "--batch", "1", "--runs", "2"]
    row = called(capsys, "benchmark", *one, *timed)[0]["rows"][0]
    assert row["mean_absolute_error"] == pytest.approx(expected, abs=1e-6)
    err = refused(capsys, 1, "evaluate", "--model", tmp_path / "tags.keras", "--data", split)
    assert "the model's 3 classes" in err
    assert "--task" in err
    out = ["--out", tmp_path / "other"]
    assert "--task is for models of your own" in refused(
        capsys, 2, "export", "--model", tmp_path / "bundle", "--task", "regression", *out
    )


def test_python_takes_paths_as_the_command_line_does(model: keras.Model, split: Path, tmp_path: Path) -> None:
    images, targets = read_images(split / "test")
    data = [((images / 127.5 - 1).astype(np.float32), targets)]
    model.export(tmp_path / "mine", verbose=False)
    model.save(tmp_path / "mine.keras")
    for path in (tmp_path / "mine", str(tmp_path / "mine.keras")):
        report = tfxfer.export(path, tmp_path / "bundle", ["litert"], test=data, overwrite=True)
        assert report.passed
        found = open_runtime("litert", tmp_path / "bundle/litert/float32.tflite").predict(data[0][0])
        np.testing.assert_allclose(found.probabilities, np.asarray(model(data[0][0])), atol=1e-4)
    with pytest.raises(UsageError, match="give the run that it came from"):
        tfxfer.export(tmp_path / "bundle/litert/float32.tflite", tmp_path / "x", ["onnx"], test=data)


def test_python_takes_a_run(finished: Finished, tmp_path: Path) -> None:
    images, targets = read_images(finished.folder / "photos")
    images = np.stack([resize_image(image, (32, 32), "stretch") for image in images])
    to = tmp_path / "bundle"
    assert tfxfer.export(
        finished.out, to, ["litert"], test=[(images, targets)], gates={"min_accuracy": 0.0}
    ).passed
    assert input_of(to)["resize"]["rule"] == "stretch"
