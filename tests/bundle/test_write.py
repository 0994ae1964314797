"""A bundle is complete, the same every time, and says nothing about the machine."""

from __future__ import annotations

import getpass
import io
import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bundle.making import LABELS, PROVENANCE, make_bundle, make_card, make_contract, make_golden
from tfxfer.bundle.digest import json_sha256
from tfxfer.bundle.golden import choose_golden, read_expected
from tfxfer.bundle.manifest import bundle_files, read_manifest
from tfxfer.bundle.reading import read_contract, read_labels
from tfxfer.bundle.write import write_bundle
from tfxfer.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def test_contract_has_exactly_the_promised_keys(bundle: Path) -> None:
    value = json.loads((bundle / "contract.json").read_text("utf-8"))
    assert list(value) == [
        "schema_version",
        "task",
        "input",
        "outputs",
        "threshold",
        "decision",
        "quantization",
        "golden",
        "tolerances",
        "files",
        "provenance",
        "sha256",
    ]
    assert list(value["input"]) == [
        "name", "kind", "dtype", "shape", "layout", "colour_order", "range", "resize",
    ]  # fmt: skip
    assert list(value["input"]["resize"]) == ["rule", "kernel", "antialias", "align", "passes"]
    assert [output["name"] for output in value["outputs"]] == ["probabilities", "logits"]
    assert list(value["outputs"][0]) == ["name", "dtype", "shape", "meaning", "labels"]
    assert value["input"]["shape"] == [None, 8, 10, 3]


def test_what_is_written_is_read_back(bundle: Path) -> None:
    read = read_contract(bundle)
    assert replace(read, files={}, provenance="") == make_contract(bundle, make_golden())
    assert {*read.files, "contract.json", "litert/float32.tflite"} == set(bundle_files(bundle))
    assert read.provenance == read_manifest(bundle).provenance
    assert read_contract(bundle / "contract.json").labels == LABELS == read_labels(bundle / "labels.txt")
    assert [entry.target for entry in read_expected(bundle / "golden/expected.json")] == list(LABELS)


def test_golden_pictures_are_lossless_and_bare(bundle: Path) -> None:
    for index, picture in enumerate(make_golden().pictures):
        data = (bundle / f"golden/{index:03d}.png").read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            assert not image.info
            assert np.array_equal(np.asarray(image), picture)


def test_the_same_values_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "elsewhere" / "deeper")
    names = bundle_files(bundle)
    assert set(names) == set(bundle_files(other))
    for name in [*names, "manifest.json"]:
        assert (bundle / name).read_bytes() == (other / name).read_bytes(), name


def test_nothing_about_the_machine_is_written(bundle: Path, tmp_path: Path) -> None:
    text = b"".join(
        path.read_bytes() for path in bundle.rglob("*") if path.suffix in (".json", ".md", ".txt")
    )
    for secret in (str(tmp_path), socket.gethostname(), str(Path.home()) + "/", f"/{getpass.getuser()}/"):
        assert secret.encode() not in text


def test_manifest_lists_every_file_and_ends_with_its_own_hash(bundle: Path) -> None:
    value = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert set(value["files"]) == set(bundle_files(bundle))
    assert list(value)[-1] == "sha256"
    assert value.pop("sha256") == json_sha256(value)
    assert read_manifest(bundle).intact


def test_card_says_what_limits_the_network(bundle: Path) -> None:
    card = (bundle / "MODEL_CARD.md").read_text("utf-8")
    for words in (
        "No test image shows: blue",
        "Fewer than 20",
        "Recall is below 0.7",
        "A sentence of the user.",
    ):
        assert words in card
    assert "red \\| green" in card
    assert "not defined" in card
    assert "0.900, 95 % interval 0.800 to 0.950" in card
    assert "\n\n\n" not in card


def test_golden_choice_covers_the_classes_and_is_sure() -> None:
    targets = np.array([0, 0, 0, 0, 1, 2])
    logits = np.array([[1.0, 0, 0], [3, 0, 0], [0, 1, 0], [2, 0, 0], [0, 1, 0], [9, 0, 0]])
    assert choose_golden(targets, logits, 3) == [1, 4, 5]
    assert choose_golden(targets, logits, 4) == [1, 4, 5, 3]
    assert sorted(choose_golden(targets, logits, 99)) == list(range(6))


def test_contract_of_another_file_is_refused(bundle: Path) -> None:
    golden = make_golden()
    contract = make_contract(bundle, golden)
    (bundle / "litert/float32.tflite").write_bytes(b"other")
    with pytest.raises(BundleError, match="other bytes"):
        write_bundle(bundle, contract, golden=golden, card=make_card(), provenance=PROVENANCE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pictures": ()}, "whose input is RGB"),
        ({"logits": np.zeros((3, 2), np.float32)}, "golden outputs must be"),
        ({"logits": np.full((3, 3), np.nan, np.float32)}, "finite"),
        ({"targets": ("blue", "blue", "nobody")}, "nobody"),
        ({"pictures": make_golden().pictures[:2]}, "as many as inputs"),
        ({"inputs": make_golden().inputs[:0]}, "at least one golden"),
        ({"inputs": np.zeros((3, 8, 10, 3), np.float32)}, "dtype uint8"),
        ({"inputs": np.zeros((3, 8, 10, 1), np.uint8)}, "3 channels"),
        ({"inputs": np.zeros((3, 9, 10, 3), np.uint8)}, "contract's size"),
    ],
)
def test_golden_vectors_that_do_not_fit(tmp_path: Path, change: dict[str, object], words: str) -> None:
    (tmp_path / "litert").mkdir()
    (tmp_path / "litert/float32.tflite").write_bytes(b"TFL3 bytes")
    golden = replace(make_golden(), **change)
    with pytest.raises(BundleError, match=words):
        write_bundle(
            tmp_path, make_contract(tmp_path, golden), golden=golden, card=make_card(), provenance=PROVENANCE
        )


def test_links_do_not_enter_a_manifest(bundle: Path) -> None:
    (bundle / "more.txt").symlink_to(bundle / "labels.txt")
    with pytest.raises(BundleError, match=r"more\.txt"):
        bundle_files(bundle)
