"""Weights from files: every format, and every mismatch by its first name."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors.numpy

from tests.backbones.models import nested_model, randomise, residual_model, sequential_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.weight_names import named_weights
from tfxfer.backbones.weights_file import load_weights_file
from tfxfer.errors import WeightsError


def values(model: keras.Model) -> dict[str, np.ndarray]:
    return {name: np.asarray(weight) for name, weight in named_weights(flat_model(model)).items()}


def save(model: keras.Model, path: Path) -> None:
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    elif path.suffix == ".safetensors":
        path.write_bytes(safetensors.numpy.save(values(model)))
    else:
        model.save(path)


@pytest.mark.parametrize("build", [residual_model, nested_model, sequential_model])
@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.safetensors"])
def test_every_format_brings_back_every_weight(build, name: str, tmp_path: Path) -> None:
    model = build()
    randomise(model)
    save(model, tmp_path / name)
    other = build()
    load_weights_file(other, tmp_path / name)
    expected = values(model)
    assert {key: value.tobytes() for key, value in values(other).items()} == {
        key: value.tobytes() for key, value in expected.items()
    }


def test_keras_2_layout(tmp_path: Path) -> None:
    model = sequential_model()
    randomise(model)
    model.save(tmp_path / "w.h5")
    other = sequential_model()
    load_weights_file(other, tmp_path / "w.h5")
    assert all(
        np.array_equal(new, old) for new, old in zip(other.get_weights(), model.get_weights(), strict=True)
    )


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5", "w.safetensors"])
def test_another_shape_is_named_and_nothing_is_set(name: str, tmp_path: Path) -> None:
    save(residual_model(classes=4), tmp_path / name)
    model = residual_model(classes=3)
    before = [weight.tobytes() for weight in model.get_weights()]
    with pytest.raises(WeightsError, match=r"answer/kernel.*\(4, 3\)\. Received: \(4, 4\)"):
        load_weights_file(model, tmp_path / name)
    assert [weight.tobytes() for weight in model.get_weights()] == before


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5", "w.safetensors"])
def test_another_networks_weights_are_refused_by_name(name: str, tmp_path: Path) -> None:
    save(residual_model(), tmp_path / name)
    with pytest.raises(WeightsError, match=r"c1|stem_bn|stem_conv"):
        load_weights_file(sequential_model(), tmp_path / name)


def test_another_dtype_is_named(tmp_path: Path) -> None:
    model = sequential_model()
    arrays = values(model)
    arrays["d1/bias"] = arrays["d1/bias"].astype("float16")
    (tmp_path / "w.safetensors").write_bytes(safetensors.numpy.save(arrays))
    with pytest.raises(WeightsError, match=r"'d1/bias' must have dtype float32\. Received: float16"):
        load_weights_file(model, tmp_path / "w.safetensors")


def test_a_missing_and_a_superfluous_weight_are_named(tmp_path: Path) -> None:
    model = sequential_model()
    arrays = values(model)
    file = tmp_path / "w.safetensors"
    file.write_bytes(safetensors.numpy.save({**arrays, "more": np.zeros(1, np.float32)}))
    with pytest.raises(WeightsError, match="'more' besides"):
        load_weights_file(model, file)
    file.write_bytes(safetensors.numpy.save({name: arrays[name] for name in arrays if name != "c2/kernel"}))
    with pytest.raises(WeightsError, match="no 'c2/kernel'"):
        load_weights_file(model, file)


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5", "w.safetensors"])
def test_a_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    save(sequential_model(), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 3])
    with pytest.raises(WeightsError, match="readable file"):
        load_weights_file(sequential_model(), tmp_path / name)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.pkl").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"must end in \.h5"):
        load_weights_file(sequential_model(), tmp_path / "w.pkl")


ALPHA_035 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


@pytest.mark.real
def test_real_weights_by_path(assets: Path) -> None:
    path = assets / "keras_weights" / ALPHA_035
    backbone = load_backbone("keras/MobileNetV2", image_size=96, weights=str(path), options={"alpha": 0.35})
    expected = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, include_top=False, weights=None
    )
    expected.load_weights(path)
    pairs = zip(backbone.model.get_weights(), expected.get_weights(), strict=True)
    assert all(np.array_equal(new, old) for new, old in pairs)


@pytest.mark.real
def test_real_weights_of_another_alpha_name_the_first_weight(assets: Path) -> None:
    with pytest.raises(WeightsError, match="'Conv1/kernel' must have shape"):
        load_backbone("keras/MobileNetV2", image_size=96, weights=str(assets / "keras_weights" / ALPHA_035))


@pytest.mark.real
def test_real_weights_with_the_classifier_are_refused(assets: Path) -> None:
    path = assets / "keras_weights" / "mobilenet_2_5_224_tf.h5"
    with pytest.raises(WeightsError, match="without top"):
        load_backbone("keras/MobileNet", image_size=224, weights=str(path), options={"alpha": 0.25})


@pytest.mark.real
def test_imagenet_comes_from_kerass_own_cache(keras_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(keras_home))
    backbone = load_backbone("keras/MobileNetV2", options={"alpha": 0.35})
    given = load_backbone(
        "keras/MobileNetV2", weights=str(keras_home / "models" / ALPHA_035), options={"alpha": 0.35}
    )
    pairs = zip(backbone.model.get_weights(), given.model.get_weights(), strict=True)
    assert all(np.array_equal(new, old) for new, old in pairs)
    assert backbone.weights == "imagenet"


@keras.saving.register_keras_serializable(package="tests")
class Shifted(keras.layers.Layer):
    """Two weights that the layer gives no name."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.first = self.add_weight(shape=(shape[-1],))
        self.second = self.add_weight(shape=(shape[-1],))

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x * self.first + self.second


def test_weights_without_a_name_are_called_alike_however_many_there_were_before() -> None:
    def names() -> list[str]:
        image = keras.Input((4,))
        return list(named_weights(keras.Model(image, Shifted(name="shifted")(image))))

    assert names() == names() == ["shifted/variable", "shifted/variable:1"]
