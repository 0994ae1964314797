"""Mixtures of int8 and float: the blocks that suffer are found by measuring."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.formats.models import SIZE, images
from tests.formats.test_litert_int8 import errors
from tfxfer.errors import ExportError
from tfxfer.formats import litert_mixed
from tfxfer.formats.litert import convert_litert
from tfxfer.formats.litert_blocks import graph_blocks
from tfxfer.formats.litert_flatbuffer import read_flatbuffer
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes.layer_names import layer_name


def fragile_network() -> keras.Model:
    """Integers destroy its block `wide`: one channel is 3000 times as large as those that decide."""
    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3), dtype="uint8", name="image")
    maps = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    maps = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="first")(maps)
    wide = keras.layers.Conv2D(8, 1, activation="relu", name="wide")
    narrow = keras.layers.Conv2D(8, 1, activation="relu", name="narrow")
    maps = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="last")(
        narrow(wide(maps))
    )
    scores = keras.layers.Dense(3, name="scores")(keras.layers.GlobalAveragePooling2D()(maps))
    kernel, bias = (weight.numpy() for weight in wide.weights)
    kernel[..., 0], bias[0] = 0.0, 3000.0
    wide.set_weights([kernel, bias])
    kernel, bias = (weight.numpy() for weight in narrow.weights)
    kernel[:, :, 0, :] = 0.0
    narrow.set_weights([kernel, bias])
    return keras.Model(image, scores)


@pytest.fixture(scope="module")
def fragile() -> Traced:
    return trace(fragile_network())


def write(traced: Traced, folder: Path, precision: str) -> Path:
    path = folder / f"{precision}.tflite"
    return write_artifact("litert", traced, path, precision=precision, calibration=images(20)).path


def test_what_integers_destroy_stays_in_float(fragile: Traced, tmp_path: Path) -> None:
    integers, mixture, floats = (write(fragile, tmp_path, name) for name in ("int8", "mixed_int8", "float32"))
    assert errors(fragile, integers)[0] > 0.1
    assert errors(fragile, mixture)[0] < litert_mixed.TARGET
    assert mixture.stat().st_size != floats.stat().st_size
    graph = read_flatbuffer(mixture.read_bytes()).subgraphs[0]
    assert any(b"first" in tensor.name and tensor.type == 9 for tensor in graph.tensors), "first is int8"


def test_a_target_that_no_mixture_meets_is_said(
    fragile: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_mixed, "TARGET", 0.0)
    with pytest.raises(ExportError, match=r"must come within 0 of the largest logit.*Take another precision"):
        write(fragile, tmp_path, "mixed_int8")


def test_blocks_are_named_for_their_layers_and_cover_the_graph(fragile: Traced) -> None:
    model = read_flatbuffer(convert_litert(fragile.frozen, fragile.outputs))
    blocks = graph_blocks(model)
    assert [block.name for block in blocks][:4] == ["first", "wide", "narrow", "last"]
    covered = [name for block in blocks for name in block.outputs]
    assert len(covered) == len(model.subgraphs[0].operators) == len(set(covered))


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [("network_1/block_2_add_1/Add;other", "block_2_add"), ("logits", "logits"), ("network/x", "x")],
)
def test_the_layer_in_a_tensors_name(tensor: str, layer: str) -> None:
    assert layer_name(tensor) == layer


def test_small_integers_are_exact() -> None:
    assert np.array_equal((np.array([0, 128, 255], np.uint8) ^ np.uint8(128)).view(np.int8), [-128, 0, 127])
