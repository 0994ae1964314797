"""Networks on disk: exact, deterministic, checked name by name, never code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors.numpy

from tests.backbones.models import images
from tests.network import inner_layers
from tfxfer.backbones.backbone import Backbone, load_backbone
from tfxfer.catalogue.inputs import ImageInput
from tfxfer.catalogue.pixels import RAW
from tfxfer.errors import NetworkError, WeightsError
from tfxfer.network.network import Network, attach_head
from tfxfer.network.save import load_network, save_network


@pytest.fixture
def network() -> Network:
    return attach_head(load_backbone("embedded/small", weights="none"), ["daisy", "rosé"], hidden=[4])


@pytest.fixture
def folder(network: Network, tmp_path: Path) -> Path:
    return save_network(network, tmp_path / "network")


def change_json(folder: Path, old: str, new: str) -> None:
    text = (folder / "network.json").read_text("utf-8")
    assert old in text
    (folder / "network.json").write_text(text.replace(old, new), "utf-8")


def change_weights(folder: Path, change) -> None:
    weights = safetensors.numpy.load_file(folder / "weights.safetensors")
    change(weights)
    safetensors.numpy.save_file(weights, folder / "weights.safetensors")


@pytest.mark.parametrize(
    "name",
    [
        "MobileNetV2",
        "ConvNeXtTiny",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("EfficientNetV2B0", "ResNet50V2")),
    ],
)
def test_a_network_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    network = attach_head(load_backbone(f"keras/{name}", image_size=32, weights="none"), ["a", "b"])
    save_network(network, tmp_path / "first")
    again = load_network(tmp_path / "first")
    assert (again.labels, again.input, again.backbone, again.head) == (
        network.labels,
        network.input,
        network.backbone,
        network.head,
    )
    pixels = images(2, 32)
    assert np.array_equal(again.predict(pixels).logits, network.predict(pixels).logits)
    assert [block.name for block in again.blocks] == [block.name for block in network.blocks]
    save_network(again, tmp_path / "second")
    for file in ("network.json", "weights.safetensors"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_bytes_do_not_depend_on_what_was_built_before(network: Network, folder: Path, tmp_path: Path) -> None:
    keras.layers.Conv2D(1, 1)
    keras.Input((2,)) + keras.Input((2,))
    again = attach_head(load_backbone("embedded/small", weights="none"), ["daisy", "rosé"], hidden=[4])
    save_network(again, tmp_path / "again")
    for file in ("network.json", "weights.safetensors"):
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_a_missing_weight_is_named(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.pop("stem_conv/kernel"))
    with pytest.raises(WeightsError, match="no 'stem_conv/kernel'"):
        load_network(folder)


def test_a_superfluous_weight_is_named(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.update(extra=np.zeros(2, np.float32)))
    with pytest.raises(WeightsError, match="'extra' besides"):
        load_network(folder)


def test_another_shape_and_dtype_are_named(folder: Path) -> None:
    change_weights(folder, lambda weights: weights.update({"logits/bias": np.zeros(3, np.float32)}))
    with pytest.raises(WeightsError, match=r"'logits/bias' must have shape \(2,\)\. Received: \(3,\)"):
        load_network(folder)
    change_weights(folder, lambda weights: weights.update({"logits/bias": np.zeros(2, np.float64)}))
    with pytest.raises(WeightsError, match=r"'logits/bias' must have dtype float32\. Received: float64"):
        load_network(folder)


def test_damaged_files_are_refused(folder: Path, tmp_path: Path) -> None:
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(WeightsError, match="readable file"):
        load_network(folder)
    (folder / "network.json").write_text("{")
    with pytest.raises(NetworkError, match="must hold a network"):
        load_network(folder)
    with pytest.raises(NetworkError, match="must hold a network"):
        load_network(tmp_path / "nowhere")


def test_another_schema_version_is_refused(folder: Path) -> None:
    change_json(folder, '"schema_version": 1', '"schema_version": 99')
    with pytest.raises(NetworkError, match="schema version 1"):
        load_network(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"class_name": "ReLU"', '"class_name": "Lambda"', "must hold no code"),
        ('"class_name": "ReLU"', '"class_name": "TFSMLayer"', "must hold no code"),
        ('"class_name": "GlorotUniform"', '"class_name": "__lambda__"', "must hold no code"),
        ('"module": "keras.layers"', '"module": "subprocess"', "a registration knows"),
    ],
)
def test_what_would_run_code_is_refused(folder: Path, old: str, new: str, message: str) -> None:
    change_json(folder, old, new)
    with pytest.raises(NetworkError, match=message):
        load_network(folder)


def test_a_class_that_nobody_knows_is_refused_when_saving(tmp_path: Path) -> None:
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    image = keras.Input((8, 8, 3))
    model = keras.Model(image, Own(name="mine")(keras.layers.Conv2D(2, 3, name="c")(image)))
    backbone = Backbone("file/x", model, ImageInput((8, 8), RAW), "mine", "mine", "none")
    with pytest.raises(NetworkError, match="'Own'"):
        save_network(attach_head(backbone, ["a", "b"]), tmp_path / "n")
    assert list(tmp_path.iterdir()) == []


def test_network_json_holds_the_contract(folder: Path) -> None:
    document = json.loads((folder / "network.json").read_text("utf-8"))
    assert document["labels"] == ["daisy", "rosé"]
    assert document["input"]["size"] == [32, 32]
    assert document["head"]["hidden"] == [4]


def test_unnamed_inner_layers_are_called_by_their_place(tmp_path: Path) -> None:
    first = inner_layers.network()
    save_network(first, tmp_path / "first")
    inner_layers.make_others()
    save_network(inner_layers.network(), tmp_path / "second")
    files = [tmp_path / name / "weights.safetensors" for name in ("first", "second")]
    assert files[0].read_bytes() == files[1].read_bytes()
    names = set(safetensors.numpy.load_file(files[0]))
    assert {"first/unit/conv2d/kernel", "first/unit_1/conv2d/kernel", "second/unit/conv2d/kernel"} < names
    logits = load_network(tmp_path / "second").predict(images(4, 8)).logits
    assert np.array_equal(logits, first.predict(images(4, 8)).logits)


def test_networks_of_before_with_numbers_of_their_process_open(tmp_path: Path) -> None:
    network = inner_layers.network()
    folder = save_network(network, tmp_path / "network")

    def as_they_were(weights: dict) -> None:
        for name in [name for name in weights if "unit" in name]:
            outer, unit, inner, own = name.split("/")
            number = 9 + 2 * (outer == "second") + (unit == "unit_1")  # text would sort 10 before 9
            weights[f"{outer}/unit_{number}/{inner}_{number}/{own}"] = weights.pop(name)

    change_weights(folder, as_they_were)
    logits = load_network(folder).predict(images(4, 8)).logits
    assert np.array_equal(logits, network.predict(images(4, 8)).logits)
    change_weights(folder, lambda weights: weights.pop("first/unit_10/conv2d_10/kernel"))
    with pytest.raises(WeightsError, match="no 'first/unit_1/conv2d/kernel'"):
        load_network(folder)


@pytest.mark.slow
def test_a_network_of_another_process_with_unnamed_inner_layers_opens(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    subprocess.run([sys.executable, "-m", "tests.network.inner_layers", str(folder)], check=True)
    logits = load_network(folder).predict(images(4, 8)).logits
    assert np.array_equal(logits, np.load(f"{folder}.npy"))
