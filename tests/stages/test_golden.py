"""Golden inputs that are generated: no picture of the data leaves, and what is damaged is found all the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import tfxfer
from tests.cli.running import call
from tests.formats.models import images
from tests.formats.test_litert_int8 import plain_network
from tests.stages.conftest import SECRET, Finished
from tests.stages.own_model import fitted, own_data, own_model
from tests.stages.running import cached_stages, events_of
from tests.stages.test_ladder import TIES
from tests.verification import tampering
from tfxfer.bundle.golden import read_expected
from tfxfer.errors import UsageError
from tfxfer.verification.verify import inspect_bundle

FORMATS = ["saved_model", "litert", "litert:int8", "onnx", "onnx:int8", "keras"]
GENERATED = tfxfer.ExportOptions(golden="generated")
FLOATS = ("litert/float32.tflite", "onnx/float32.onnx", "saved_model")


def data_of(model: keras.Model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Plain colours with noise, which a made picture would never be taken for, and the model's answers."""
    pictures = images(60, seed=5)
    return [(pictures, np.asarray(model(pictures)).argmax(axis=1))]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a small network of pictures; not to be changed."""
    model, to = plain_network(), tmp_path_factory.mktemp("generated") / "bundle"
    data = data_of(model)
    tfxfer.export(model, to, FORMATS, test=data, calibration=data, gates=TIES, options=GENERATED)
    return to


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def failures(bundle: Path) -> dict[str, str]:
    return {check.name: check.why for check in inspect_bundle(bundle).failures}


def test_every_file_is_run_on_them_and_no_picture_of_the_data_is_there(original: Path) -> None:
    report = tfxfer.verify(original)
    assert {check.status for check in report.checks} == {"passed"}
    assert set(tampering.read(original)["tolerances"]) < {check.name for check in report.checks}
    assert tampering.read(original)["golden"]["source"] == "generated"
    expected = read_expected(original / "golden/expected.json")
    assert {entry.target for entry in expected} == {None}
    logits = np.load(original / "golden/logits.npy")
    assert len(np.unique(logits.round(4), axis=0)) == len(logits) == 8  # no answer is another's
    assert "that were generated. No picture of the data" in (original / "MODEL_CARD.md").read_text("utf-8")
    held_out = {picture.tobytes() for picture in data_of(plain_network())[0][0]}
    assert not held_out & {array.tobytes() for array in np.load(original / "golden/inputs.npy")}


def test_they_are_the_same_every_time(original: Path, tmp_path: Path) -> None:
    model = plain_network()
    tfxfer.export(model, tmp_path / "again", ["litert"], test=data_of(model), options=GENERATED)
    for name in ("golden/inputs.npy", "golden/000.png", "golden/logits.npy"):
        assert (tmp_path / "again" / name).read_bytes() == (original / name).read_bytes()


@pytest.mark.parametrize("artifact", FLOATS)
def test_a_damaged_first_convolution_is_found_with_every_hash_recomputed(bundle: Path, artifact: str) -> None:
    kernel = tampering.first_convolution(bundle, artifact)
    weights = kernel.ravel()[:: kernel.size // 4]
    largest = np.abs(kernel).max()
    for weight in weights[:4]:
        shutil.copytree(bundle, changed := bundle.parent / "changed")
        tampering.change_one_weight(changed, artifact, weight, float(1 + largest / weight))
        tampering.rehash_contract(changed)
        assert "must give the golden logits" in failures(changed)[artifact]
        shutil.rmtree(changed)


def _another_rule(bundle: Path) -> None:
    value = tampering.read(bundle)
    value["input"]["resize"]["rule"] = "crop"
    tampering.write(bundle, value)


def _nearest_neighbour(bundle: Path) -> None:
    """Golden inputs as an app with another kernel would make them."""
    inputs = np.load(bundle / "golden/inputs.npy")
    for index, name in enumerate(tampering.read(bundle)["golden"]["pictures"]):
        with Image.open(bundle / name) as image:
            inputs[index] = image.resize(inputs.shape[2:0:-1], Image.Resampling.NEAREST)
    np.save(bundle / "golden/inputs.npy", inputs)


def _swapped_labels(bundle: Path) -> None:
    tampering.swap_labels_txt(bundle)
    tampering.swap_contract(bundle)


def _cut_off(bundle: Path) -> None:
    """A picture that no decoder reads; the SavedModel is given its bytes as well."""
    path = bundle / "golden/000.png"
    path.write_bytes(path.read_bytes()[:200])


def _claims_photographs(bundle: Path) -> None:
    value = tampering.read(bundle)
    value["golden"]["source"] = "held_out"
    tampering.write(bundle, value)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (_another_rule, "golden pictures"),
        (_nearest_neighbour, "golden pictures"),
        (_swapped_labels, "labels"),
        (_cut_off, "golden pictures"),
        (_claims_photographs, "golden vectors"),
    ],
)
def test_what_is_changed_is_found(bundle: Path, change: Callable[[Path], None], check: str) -> None:
    change(bundle)
    tampering.rehash(bundle)
    assert check in failures(bundle)


def test_inputs_of_a_users_own_kind_are_made_in_their_range(tmp_path: Path) -> None:
    model, data = fitted(own_model()), own_data(48, 2)
    tfxfer.export(model, tmp_path / "own", ["litert"], test=data, options=GENERATED)
    assert tfxfer.verify(tmp_path / "own").passed
    made, own = np.load(tmp_path / "own/golden/inputs.npy"), np.concatenate([batch[0] for batch in data])
    assert made.dtype == own.dtype
    assert own.min() <= made.min() < made.max() <= own.max()


def test_a_run_hands_over_what_it_is_asked_to_without_training_again(
    finished: Finished, tmp_path: Path
) -> None:
    out = finished.copy(tmp_path / "out")
    before, events = (out / "bundle/golden/000.png").read_bytes(), len(events_of(out))
    asked = ("--set", "bundle.golden=generated", "--resume")
    assert call("run", str(finished.config), "--out", str(out), *asked) == 0
    assert (out / "bundle/golden/000.png").read_bytes() != before
    assert tampering.read(out / "bundle")["golden"]["source"] == "generated"
    assert tfxfer.verify(out / "bundle").passed
    assert {"train", "export-litert-float32"} <= cached_stages(events_of(out)[events:])


def test_photographs_leave_without_what_a_camera_wrote_into_them(finished: Finished) -> None:
    """Every photo of the run has a GPS position, a camera's number and a name in its EXIF."""
    source = next((finished.folder / "photos").rglob("*.png"))
    assert SECRET.encode() in source.read_bytes()
    golden = sorted((finished.out / "bundle/golden").glob("*.png"))
    for path in golden:
        with Image.open(path) as image:
            assert not image.info
            assert not image.getexif()
    assert golden
    told = [
        path for path in finished.out.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert not told
    card = (finished.out / "bundle/MODEL_CARD.md").read_text("utf-8")
    named = tampering.read(finished.out / "bundle")["golden"]["pictures"]
    assert "of the test split, their pixels only" in card
    assert sum(line.count(".png") for line in card.splitlines() if "pixels only" in line) == len(named)


def test_a_source_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="golden must be one of held_out, generated"):
        tfxfer.ExportOptions(golden="photos")  # type: ignore[arg-type]
