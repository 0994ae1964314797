"""Users' own models as backbones: from Python, cut where they are told; hostile files are refused and run nothing."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from tests.backbones.models import images, randomise, residual_model, sequential_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.model_file import load_model_file
from tfxfer.errors import ConfigError, NetworkError
from tfxfer.network.freeze import freeze
from tfxfer.network.network import attach_head
from tfxfer.network.policy import FreezePolicy


class Subclassed(keras.Model):
    """A user's model without a graph."""

    def __init__(self) -> None:
        super().__init__(name="own")
        self.conv = layers.Conv2D(4, 3)
        self.norm = layers.BatchNormalization()

    def call(self, x, training=None):
        return self.norm(self.conv(x), training=training)


@pytest.mark.parametrize(("make", "cut"), [(residual_model, "answer"), (sequential_model, "d1, d2")])
def test_a_model_from_python_loses_its_head_and_shares_its_weights(
    make: Callable[[], keras.Model], cut: str
) -> None:
    model = make()
    backbone = load_backbone(model, pixels="[0,1]")
    assert backbone.source == f"the model {model.name!r}, without its head ({cut})"
    network = attach_head(backbone, ["a", "b"])
    freeze(network, FreezePolicy("all"))
    assert network.model.trainable_weights[0] is model.trainable_weights[0]
    with pytest.raises(ConfigError, match="needs pixels"):
        load_backbone(model)


def test_the_head_is_cut_at_a_named_layer() -> None:
    backbone = load_backbone(sequential_model(), pixels="[0,1]", options={"features": "d1"})
    assert backbone.model.output_shape == (None, 5)
    assert "(d2)" in backbone.source
    with pytest.raises(ConfigError, match=r"the last are c1, c2, flat, d1, d2.*Received: 'd3'"):
        load_backbone(sequential_model(), pixels="[0,1]", options={"features": "d3"})


def test_a_subclassed_model_is_one_block_that_learns() -> None:
    backbone = load_backbone(Subclassed(), image_size=8, pixels="[0,1]")
    network = attach_head(backbone, ["a", "b"])
    assert len(network.blocks) == 1
    assert freeze(network).backbone_trainable == 0
    assert freeze(network, FreezePolicy("all")).backbone_trainable == 3 * 9 * 4 + 4
    assert freeze(network, FreezePolicy("all", "learn")).backbone_trainable == 3 * 9 * 4 + 4 + 8
    with pytest.raises(ConfigError, match="Set image_size"):
        load_backbone(Subclassed(), pixels="[0,1]")


def test_code_in_a_file_runs_only_where_it_is_trusted(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Lambda(lambda v: v * 2, name="twice")(x)))
    model.save(tmp_path / "m.keras")
    name = f"file/{tmp_path / 'm.keras'}"
    with pytest.raises(NetworkError, match=r"Lambda 'twice'.*options\.trusted: true"):
        load_backbone(name, pixels="[0,1]")
    backbone = load_backbone(name, pixels="[0,1]", options={"trusted": True})
    assert backbone.model.output_shape == (None, 6, 6, 4)
    with pytest.raises(ConfigError, match="trusted"):
        load_backbone(name, pixels="[0,1]", options={"trusted": "yes"})


def legacy(to: Path, **changes: object) -> Path:
    """A Keras 2 .h5 file whose DepthwiseConv2D says what Keras 2's did."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(3, name="dw"), layers.Flatten()])
    model.save(to)
    with h5py.File(to, "r+") as root:
        config = json.loads(root.attrs["model_config"])
        (layer,) = [entry for entry in config["config"]["layers"] if entry["class_name"] == "DepthwiseConv2D"]
        layer["config"] |= {"groups": 1, **changes}
        root.attrs["keras_version"] = "2.4.0"
        root.attrs["model_config"] = json.dumps(config)
    return to


def test_depthwise_groups_of_keras_2_are_migrated_only_where_that_is_exact(tmp_path: Path) -> None:
    before = (legacy(tmp_path / "one.h5")).read_bytes()
    assert load_model_file(tmp_path / "one.h5").layers[0].name == "dw"
    assert (tmp_path / "one.h5").read_bytes() == before
    with pytest.raises(NetworkError, match=r"groups 1\. Received: other groups in 'dw'"):
        load_model_file(legacy(tmp_path / "three.h5", groups=3))


def external_link(tmp_path: Path) -> Path:
    file = legacy(tmp_path / "m.h5")
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["x"] = np.ones((3, 3, 3, 1), "float32")
    with h5py.File(file, "r+") as root:
        root["model_weights/other"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")
    return file


def external_data(tmp_path: Path) -> Path:
    file = legacy(tmp_path / "m.h5")
    (tmp_path / "secret.bin").write_bytes(b"0" * 16)
    with h5py.File(file, "r+") as root:
        root.create_dataset("extra", (4,), "float32", external=[(str(tmp_path / "secret.bin"), 0, 16)])
    return file


def calls_os(tmp_path: Path) -> Path:
    residual_model().save(tmp_path / "m.keras")
    return rewritten(
        tmp_path / "m.keras",
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    )


def own_class(tmp_path: Path) -> Path:
    residual_model().save(tmp_path / "m.keras")
    return rewritten(tmp_path / "m.keras", {"module": "antigravity", "class_name": "Evil", "config": {}})


def rewritten(file: Path, activation: object) -> Path:
    """The same archive with something else as the last layer's activation."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][-1]["config"]["activation"] = activation
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else data)
    return file


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("open('ran', 'w').close()",)


def pickled(tmp_path: Path) -> Path:
    (tmp_path / "m.keras").write_bytes(pickle.dumps(Payload()))
    return tmp_path / "m.keras"


def pickle_by_name(tmp_path: Path) -> Path:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Payload()))
    return tmp_path / "m.pkl"


def layer_of(class_name: str) -> Callable[[Path], Path]:
    def make(tmp_path: Path) -> Path:
        residual_model().save(tmp_path / "m.keras")
        return rewritten(tmp_path / "m.keras", {"class_name": class_name, "config": {"name": "evil"}})

    return make


def truncated(tmp_path: Path) -> Path:
    residual_model().save(tmp_path / "m.keras")
    (tmp_path / "m.keras").write_bytes((tmp_path / "m.keras").read_bytes()[:2000])
    return tmp_path / "m.keras"


def weights_only(tmp_path: Path) -> Path:
    residual_model().save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def without_weights(tmp_path: Path) -> Path:
    legacy(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as root:
        del root["model_weights/dw"]
    return tmp_path / "m.h5"


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "external link": (external_link, "leads to another file"),
    "external data": (external_data, "leads to another file"),
    "function of os": (calls_os, "must hold a model that Keras"),
    "class of another module": (own_class, "must hold a model that Keras"),
    "pickle": (pickled, "whole model"),
    "pickle by name": (pickle_by_name, r"\.keras or \.h5"),
    "TFSMLayer": (layer_of("TFSMLayer"), "TFSMLayer 'evil'"),
    "__lambda__": (layer_of("__lambda__"), "__lambda__ 'evil'"),
    "truncated": (truncated, "whole model"),
    "weights only": (weights_only, "whole model"),
    "missing weights": (without_weights, "must hold a model that Keras"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_and_broken_files_are_refused_and_run_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, answer = HOSTILE[kind]
    monkeypatch.chdir(tmp_path)
    file = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NetworkError, match=answer):
        load_model_file(file)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_legacy_file_gives_its_features(tmp_path: Path) -> None:
    model = sequential_model()
    randomise(model)
    model.save(tmp_path / "m.h5")
    backbone = load_backbone(f"file/{tmp_path / 'm.h5'}", pixels="[0,255]")
    pixels = images(2, 16).astype("float32")
    inner = keras.Model(model.inputs, model.get_layer("c2").output)
    np.testing.assert_allclose(backbone.model(pixels), inner(pixels, training=False), rtol=1e-4, atol=1e-5)
