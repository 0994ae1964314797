"""What XNNPACK did not take, and floats among integers, are found in real files."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from tests.formats.models import images
from tests.formats.test_litert_int8 import plain_network
from tests.formats.test_litert_mixed import fragile_network
from tfxfer.formats import litert
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.verification.delegates import float_islands, not_delegated, runs_integers


def write(traced: Traced, folder: Path, precision: str) -> Path:
    path = folder / f"{precision}.tflite"
    return write_artifact("litert", traced, path, precision=precision, calibration=images(20)).path


def test_full_int8_is_one_piece_without_an_island(tmp_path: Path) -> None:
    path = write(trace(plain_network()), tmp_path, "int8")
    # At the ends: pictures from uint8, a softmax over three numbers, and the two answers to uint8.
    assert not_delegated(path) == {"QUANTIZE": 3, "SOFTMAX": 1}
    assert runs_integers(path)
    assert float_islands(path) == ()


def test_the_blocks_of_a_mixture_are_named(tmp_path: Path) -> None:
    traced = trace(fragile_network())
    mixture, floats = write(traced, tmp_path, "mixed_int8"), write(traced, tmp_path, "float32")
    assert any(island.startswith(("wide", "narrow")) for island in float_islands(mixture))
    assert runs_integers(mixture)
    assert not runs_integers(floats)


def test_hard_swish_is_taken_only_because_it_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = plain_network()
    maps = keras.layers.Activation("hard_swish")(model.layers[-3].output)
    scores = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(maps))
    traced = trace(keras.Model(model.input, scores))
    assert "HARD_SWISH" not in not_delegated(write(traced, tmp_path, "int8"))
    (tmp_path / "int8.tflite").unlink()
    monkeypatch.setattr(litert, "decompose_hard_swish", lambda model: 0)
    assert not_delegated(write(traced, tmp_path, "int8"))["HARD_SWISH"] == 1
