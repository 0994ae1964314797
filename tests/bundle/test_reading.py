"""A contract that cannot be meant is refused with the field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.making import make_bundle
from tfxfer.bundle.reading import read_contract, read_labels
from tfxfer.errors import BundleError

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("reading") / "bundle")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.pop("input"), "key 'input'"),
        (lambda c: c.update(schema_version=2), "schema_version"),
        (lambda c: c.update(extra=1), "'extra' is unknown"),
        (lambda c: c["input"].update(shape=[None, 8, 3]), "shape"),
        (lambda c: c["input"].update(shape=[None, 8, 10**9, 3]), "shape"),
        (lambda c: c["input"].update(dtype="float64"), "dtype"),
        (lambda c: c["input"].update(layout="NCHW"), "input.layout"),
        (lambda c: c["input"]["resize"].update(rule="zoom"), "stretch"),
        (lambda c: c["input"]["resize"].update(antialias=False), "antialias"),
        (lambda c: c["outputs"].reverse(), "outputs"),
        (lambda c: c["outputs"][1]["labels"].reverse(), "outputs"),
        (lambda c: c["outputs"][0].update(labels=["a", "a"]), "two different labels"),
        (lambda c: c.update(outputs=[]), "outputs"),
        (lambda c: c["golden"].update(pictures=["../secret.png"]), "inside the bundle"),
        (lambda c: c["golden"].update(pictures=[]), "at least one"),
        (lambda c: c["tolerances"].update({"/etc/passwd": {}}), "same artifacts"),
        (lambda c: c["tolerances"]["litert/float32.tflite"].update(max_abs_logit_error=-1), "0 or more"),
        (lambda c: c["tolerances"]["litert/float32.tflite"].update(max_abs_logit_error=True), "0 or more"),
        (lambda c: c["tolerances"]["litert/float32.tflite"].update(reference="/x"), "inside the bundle"),
        (lambda c: c.update(quantization=[]), "JSON object"),
    ],
)
def test_damaged_contract(bundle: Path, tmp_path: Path, edit: Edit, words: str) -> None:
    value = json.loads((bundle / "contract.json").read_text("utf-8"))
    edit(value)
    (tmp_path / "contract.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(BundleError, match=words):
        read_contract(tmp_path)


def test_infinite_tolerance(bundle: Path, tmp_path: Path) -> None:
    text = (bundle / "contract.json").read_text("utf-8").replace("0.0001", "Infinity")
    (tmp_path / "contract.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="finite"):
        read_contract(tmp_path)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe"])
def test_contract_that_is_no_json_object(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "contract.json").write_bytes(data)
    with pytest.raises(BundleError, match=r"contract\.json"):
        read_contract(tmp_path)


def test_missing_contract(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"a bundle needs 'contract\.json'"):
        read_contract(tmp_path)


@pytest.mark.parametrize("text", ["", "a\n\nb\n", "a\na\n"])
def test_labels_that_are_empty_or_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.txt").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="one label a line"):
        read_labels(tmp_path / "labels.txt")
