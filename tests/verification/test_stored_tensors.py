"""contract.json says how a LiteRT file stores its input and outputs, and verify holds the file to it."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import tfxfer
from tests.verification import tampering
from tfxfer.errors import VerificationError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 127.5, -1.0)(image))
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    images[::2, ..., 0] //= 4
    data = [(images, np.arange(40) % 2)]
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*data[0], epochs=20, verbose=0)
    out = tmp_path_factory.mktemp("stored") / "bundle"
    tfxfer.export(model, out, ["litert", "litert:int8"], calibration=data, test=data)
    return out


def test_scale_and_zero_point_are_in_the_contract(bundle: Path) -> None:
    found = json.loads((bundle / "contract.json").read_text())["quantization"]
    image = found["litert/int8.tflite"]["tensors"]["image"]
    assert image["dtype"] == "uint8"
    assert image["scale"] == pytest.approx(1 / 127.5, rel=1e-4)
    assert image["zero_point"] in (127, 128)
    plain = found["litert/float32.tflite"]["tensors"]
    assert plain["image"] == {"dtype": "uint8", "scale": None, "zero_point": None}
    assert list(plain) == ["image", "probabilities", "logits"]
    assert tfxfer.verify(bundle).passed


def test_another_scale_in_the_contract_is_found(bundle: Path) -> None:
    before = (bundle / "contract.json").read_bytes(), (bundle / "manifest.json").read_bytes()
    value = tampering.read(bundle)
    value["quantization"]["litert/int8.tflite"]["tensors"]["image"]["scale"] = 0.1
    tampering.write(bundle, value)
    tampering.rehash(bundle)
    with pytest.raises(VerificationError, match="must store its tensors as the contract says"):
        tfxfer.verify(bundle)
    (bundle / "contract.json").write_bytes(before[0])
    (bundle / "manifest.json").write_bytes(before[1])
