"""A user's own model keeps its own input: any channels, any range, and no picture to decode."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bundle.making import LABELS, PROVENANCE, make_card, make_contract, make_golden
from tfxfer.bundle.contract import INPUTS, Contract, InputSpec
from tfxfer.bundle.golden import Golden, read_array, read_expected
from tfxfer.bundle.reading import read_contract
from tfxfer.bundle.write import write_bundle
from tfxfer.errors import BundleError

SPEC = InputSpec((8, 10), None, dtype="float32", channels=1, values="own")


def own_golden(dtype: type = np.float32) -> Golden:
    inputs = np.random.default_rng(0).normal(size=(3, 8, 10, 1)).astype(dtype)
    return replace(make_golden(), pictures=(), inputs=inputs)


def write_own(folder: Path, golden: Golden, spec: InputSpec = SPEC) -> Path:
    (folder / "litert").mkdir(parents=True)
    (folder / "litert/float32.tflite").write_bytes(b"TFL3 bytes")
    made = make_contract(folder, golden)
    contract = Contract(spec, LABELS, made.artifacts, ())
    write_bundle(folder, contract, golden=golden, card=make_card(), provenance=PROVENANCE)
    return folder


def test_nothing_is_said_of_colours_and_range(tmp_path: Path) -> None:
    bundle = write_own(tmp_path / "bundle", own_golden())
    value = json.loads((bundle / "contract.json").read_text("utf-8"))
    assert value["input"] == {
        "name": "image",
        "kind": "image",
        "dtype": "float32",
        "shape": [None, 8, 10, 1],
        "layout": "NHWC",
        "colour_order": None,
        "range": None,
        "resize": None,
    }
    assert value["golden"]["pictures"] == []
    assert not list((bundle / "golden").glob("*.png"))
    assert read_contract(bundle).input == SPEC
    assert "RGB" not in (bundle / "MODEL_CARD.md").read_text("utf-8")


def test_golden_inputs_are_kept_as_they_are(tmp_path: Path) -> None:
    bundle = write_own(tmp_path / "bundle", own_golden())
    assert np.array_equal(read_array(bundle / INPUTS, "float32", 4), own_golden().inputs)
    expected = read_expected(bundle / "golden/expected.json")
    assert [entry.picture for entry in expected] == [None] * 3
    assert [entry.target for entry in expected] == list(LABELS)


def test_a_resize_rule_may_be_stated(tmp_path: Path) -> None:
    spec = replace(SPEC, resize_rule="crop")
    bundle = write_own(tmp_path / "bundle", own_golden(), spec)
    assert read_contract(bundle).input == spec


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.full((3, 8, 10, 1), np.nan, np.float32), "finite uint8 or float32"),
        (np.zeros((3, 8, 10, 1), np.float64), "dtype float32"),
        (np.zeros((3, 8, 10, 2), np.float32), "1 channels"),
    ],
)
def test_golden_inputs_that_do_not_fit(tmp_path: Path, inputs: np.ndarray, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        write_own(tmp_path / "bundle", replace(own_golden(), inputs=inputs))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c["golden"].update(pictures=["golden/000.png"]), "else empty"),
        (lambda c: c["input"].update(colour_order="RGB"), "for RGB pictures"),
        (
            lambda c: c["input"].update(colour_order="BGR", shape=[None, 8, 10, 3]),
            "colour_order must be one of",
        ),
        (lambda c: c["input"].update(range=[0, 1]), "'input.range'"),
        (lambda c: c["input"].update(shape=[None, 8, 10, 0]), "shape"),
        (lambda c: c["input"].pop("resize"), "key 'resize'"),
    ],
)
def test_a_damaged_contract(tmp_path: Path, edit: Callable[[dict[str, Any]], object], words: str) -> None:
    bundle = write_own(tmp_path / "bundle", own_golden())
    value = json.loads((bundle / "contract.json").read_text("utf-8"))
    edit(value)
    (bundle / "contract.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(BundleError, match=words):
        read_contract(bundle)
