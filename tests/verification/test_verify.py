"""A sound bundle is verified; every way of spoiling one is found, hashes recomputed or not."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.verification import tampering
from tests.verification.making import LABELS
from tests.verification.tampering import rehash, rehash_contract, rehash_manifest, reseal_manifest
from tfxfer.bundle.manifest import bundle_files
from tfxfer.errors import BundleError, VerificationError
from tfxfer.verification.report import VerifyReport
from tfxfer.verification.verify import inspect_bundle, verify_bundle

ARTIFACTS = ("litert/float32.tflite", "onnx/float32.onnx", "saved_model")


def failures(bundle: Path, data: str | None = None) -> str:
    """Every failed check in one text; the bundle must not be verified."""
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, data)
    return str(caught.value)


def names(report: VerifyReport) -> set[str]:
    return {check.name for check in report.failures}


def test_a_sound_bundle_is_verified_with_and_without_data(original: Path, colours: Path) -> None:
    report = verify_bundle(original)
    assert {check.status for check in report.checks} == {"passed"}
    assert set(ARTIFACTS) < {check.name for check in report.checks}
    value = verify_bundle(original, str(colours)).as_dict()
    assert value["passed"] is True
    json.dumps(value, allow_nan=False)


def test_a_bundle_may_be_moved_and_linked_to(original: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(original)
    assert verify_bundle(tmp_path / "link").passed


@pytest.mark.parametrize("artifact", ARTIFACTS)
@pytest.mark.parametrize("recompute", [None, rehash, rehash_contract])
def test_one_changed_weight(bundle: Path, artifact: str, recompute: Callable[[Path], None] | None) -> None:
    kernel = tampering.first_convolution(bundle, artifact)
    weight = kernel.flat[np.abs(kernel).argmax()]
    tampering.change_one_weight(bundle, artifact, weight, 1.01)
    if recompute is not None:
        recompute(bundle)
    report = inspect_bundle(bundle)
    assert artifact in names(report)
    assert "golden logits" in failures(bundle)
    assert names(report) == {artifact} if recompute else {artifact, "files"}


def test_every_changed_weight_is_found_without_any_hash(bundle: Path) -> None:
    """Each weight of the first convolution in turn, by 5 %: the golden answers alone must tell."""
    source = (bundle / "onnx/float32.onnx").read_bytes()
    kernel = tampering.first_convolution(bundle).ravel()
    found = 0
    for weight in kernel[:: len(kernel) // 12]:
        (bundle / "onnx/float32.onnx").write_bytes(source)
        tampering.change_one_weight(bundle, "onnx/float32.onnx", weight, 1.05)
        rehash_contract(bundle)
        found += not inspect_bundle(bundle).passed
    assert found >= 10  # of 12 or 13: channels that ReLU holds at zero show nothing


@pytest.mark.parametrize(
    "swap",
    [
        (tampering.swap_labels_txt,),
        (tampering.swap_contract,),
        (tampering.swap_labels_txt, tampering.swap_contract),
    ],
)
def test_two_labels_swapped(bundle: Path, swap: tuple[Callable[[Path], None], ...]) -> None:
    for change in swap:
        change(bundle)
    assert "files" in names(inspect_bundle(bundle))
    rehash(bundle)
    assert "labels" in names(inspect_bundle(bundle))


def test_labels_swapped_in_the_golden_answers_too(bundle: Path) -> None:
    tampering.swap_labels_txt(bundle)
    tampering.swap_contract(bundle)
    tampering.swap_expected(bundle, LABELS[0], LABELS[2])
    rehash(bundle)
    assert names(inspect_bundle(bundle)) == set(ARTIFACTS)  # each file holds its labels itself
    assert "'red' where the contract has 'blue'" in failures(bundle) or "'blue' where" in failures(bundle)


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_an_artifact_of_another_run(bundle: Path, other_run: Path, artifact: str) -> None:
    target = bundle / artifact
    if target.is_dir():
        shutil.rmtree(target)
        shutil.copytree(other_run / artifact, target)
    else:
        shutil.copyfile(other_run / artifact, target)
    rehash(bundle)
    assert "must have the bytes that the contract names" in failures(bundle)
    rehash_contract(bundle)
    assert "must give the golden logits" in failures(bundle)


def test_a_file_that_is_no_model(bundle: Path) -> None:
    (bundle / "litert/float32.tflite").write_bytes(b"not a model")
    (bundle / "onnx/float32.onnx").write_bytes(b"not a model")
    (bundle / "saved_model/saved_model.pb").write_bytes(b"not a model")
    rehash_contract(bundle)
    assert names(inspect_bundle(bundle)) == {*ARTIFACTS, "artifacts"}


def test_accuracy_on_data_with_moved_labels(bundle: Path, colours: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(colours, tmp_path / "moved")
    for old, new in (("red", "x"), ("blue", "red"), ("x", "blue")):
        (moved / old).rename(moved / new)
    message = failures(bundle, str(moved))
    assert message.count("must be as good") == len(ARTIFACTS)
    (moved / "red").rename(moved / "purple")
    assert "'purple'" in failures(bundle, str(moved))


def test_files_missing_added_and_linked(bundle: Path) -> None:
    (bundle / "extra.txt").write_text("x")
    (bundle / "labels.txt").unlink()
    message = failures(bundle)
    assert "'extra.txt' is not listed" in message
    assert "'labels.txt' is listed in manifest.json but missing" in message
    (bundle / "link.txt").symlink_to("/etc/hostname")
    assert "'link.txt', a link" in failures(bundle)


def test_a_link_is_never_followed(bundle: Path, original: Path) -> None:
    (bundle / "contract.json").unlink()
    (bundle / "contract.json").symlink_to(original / "contract.json")
    assert "a link" in failures(bundle)


def test_an_edited_manifest(bundle: Path) -> None:
    path = bundle / "manifest.json"
    path.write_text(path.read_text("utf-8").replace("1.0,", "0.99,", 1), encoding="utf-8")
    assert "its own SHA-256" in failures(bundle)
    path.write_text("{}", encoding="utf-8")
    assert "must be a JSON object" in failures(bundle)


def test_an_embellished_card(bundle: Path) -> None:
    path = bundle / "MODEL_CARD.md"
    path.write_text(path.read_text("utf-8").replace("| accuracy | 1.000", "| accuracy | 0.999", 1))
    rehash(bundle)
    assert names(inspect_bundle(bundle)) == {"card"}


def test_widened_tolerances(bundle: Path) -> None:
    value = tampering.read(bundle)
    for tolerance in value["tolerances"].values():
        tolerance["max_abs_logit_error"] = 100.0
    tampering.write(bundle, value)
    rehash(bundle)
    assert "must have the tolerance" in failures(bundle)
    for tolerance in value["tolerances"].values():
        tolerance.update(max_abs_logit_error=80.0, measured_abs_logit_error=10.0)
    tampering.write(bundle, value)
    rehash(bundle)
    assert "proves nothing" in failures(bundle)


def test_another_resize_rule(bundle: Path) -> None:
    value = tampering.read(bundle)
    value["input"]["resize"]["rule"] = "stretch"
    tampering.write(bundle, value)
    rehash(bundle)
    assert "golden pictures" in names(inspect_bundle(bundle))


def test_a_changed_golden_picture(bundle: Path) -> None:
    path = bundle / "golden/000.png"
    with Image.open(path) as image:
        pixels = np.array(image)
    pixels[20:24, 20:24] ^= 8
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    path.write_bytes(buffer.getvalue())
    rehash(bundle)
    assert names(inspect_bundle(bundle)) == {"golden pictures"}
    path.write_bytes(b"no picture")
    rehash(bundle)
    assert names(inspect_bundle(bundle)) == {"golden pictures"}


@pytest.mark.parametrize("name", ["inputs", "logits", "probabilities"])
def test_golden_vectors_changed(bundle: Path, name: str) -> None:
    path = bundle / f"golden/{name}.npy"
    array = np.load(path)
    array[0] = array[1]
    np.save(path, array)
    rehash(bundle)
    assert not inspect_bundle(bundle).passed


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"\x80\x04K\x01."])
def test_golden_vectors_that_are_no_arrays(bundle: Path, data: bytes) -> None:
    (bundle / "golden/logits.npy").write_bytes(data)
    rehash(bundle)
    assert "must be a NumPy array" in failures(bundle)


def test_runtime_that_is_not_installed_is_skipped(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    report = verify_bundle(bundle)
    skipped = [check for check in report.checks if check.status == "skipped"]
    assert [check.name for check in skipped] == ["onnx/float32.onnx"]
    assert "pip install onnxruntime" in skipped[0].why
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert "none of the bundle's artifacts could be run" in failures(bundle)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        verify_bundle(tmp_path)


def test_one_flipped_bit_of_any_file_is_found_with_the_manifest_made_again(bundle: Path) -> None:
    """Bits at random places of every file, the manifest's own among them, each alone."""
    random = np.random.default_rng(0)
    for name, path in {**bundle_files(bundle), "manifest.json": bundle / "manifest.json"}.items():
        whole, manifest = path.read_bytes(), (bundle / "manifest.json").read_bytes()
        for place in random.integers(0, len(whole), 2):
            bit = 1 << int(random.integers(8))
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            with contextlib.suppress(ValueError, TypeError, AttributeError):  # it is no JSON any more
                (reseal_manifest if name == "manifest.json" else rehash_manifest)(bundle)
            assert not inspect_bundle(bundle).passed, (name, place, bit)
            path.write_bytes(whole)
            (bundle / "manifest.json").write_bytes(manifest)
    assert inspect_bundle(bundle).passed


@pytest.mark.parametrize("name", ["versions", "test", "data_fingerprint"])
def test_another_origin_is_found_with_the_manifest_made_again(bundle: Path, name: str) -> None:
    path = bundle / "manifest.json"
    value = json.loads(path.read_text("utf-8"))
    changed = {"versions": {"numpy": "1"}, "test": {**value["test"], "n": 7}, "data_fingerprint": "2" * 64}
    path.write_text(json.dumps({**value, name: changed[name]}), encoding="utf-8")
    rehash_manifest(bundle)
    assert "versions, fingerprints and figures" in failures(bundle)


def test_a_header_that_python_cannot_read(bundle: Path) -> None:
    path = bundle / "golden/logits.npy"
    path.write_bytes(path.read_bytes().replace(b"{", b"[", 1))
    rehash(bundle)
    assert "must be a NumPy array" in failures(bundle)


@pytest.mark.parametrize(
    ("file", "old", "new", "name"),
    [
        ("onnx/float32.onnx", b'["', b'x"', "onnx/float32.onnx"),  # the labels are no JSON
        ("onnx/float32.onnx", b"Relu#", b"\xd2elu#", "onnx/float32.onnx"),  # a name that is no text
        ("saved_model/variables/variables.index", b"\x00", b"\x40", "saved_model"),
    ],
)
def test_an_artifact_that_its_engine_stumbles_over(
    bundle: Path, file: str, old: bytes, new: bytes, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = (bundle / file).read_bytes()
    assert old in data
    (bundle / file).write_bytes(data.replace(old, new, 1))
    rehash_contract(bundle)
    assert name in names(inspect_bundle(bundle))
    assert capfd.readouterr().out == ""  # of --json
