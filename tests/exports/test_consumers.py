"""The consumers run on a fresh bundle, without TensorFlow or tfxfer, and give the golden answers."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import tfxfer
from tests.conftest import ROOT
from tests.exports.consumers import BLOCK, CONSUMERS, run
from tests.exports.rules import RULES_OF_ANSWERS, THREE
from tests.verification import tampering
from tests.verification.making import LABELS, make_real_bundle, make_three_colours, read_photos, train
from tfxfer.bundle.contract import Contract, InputSpec
from tfxfer.catalogue.decoding import answer
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import RULES, resize_image


@pytest.fixture(scope="module")
def photos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_three_colours(tmp_path_factory.mktemp("consumed") / "photos")


@pytest.fixture(scope="module")
def original(photos_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "bundle"
    return make_real_bundle(folder, read_photos(photos_folder, "pad"), rule="pad")


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def loaded(consumer: str) -> ModuleType:
    path = ROOT / "exports" / consumer / "predict.py"
    spec = importlib.util.spec_from_file_location(f"{consumer}_predict", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_pictures_get_the_golden_labels_and_probabilities(
    consumer: str, original: Path, tmp_path: Path
) -> None:
    expected = json.loads((original / "golden/expected.json").read_text("utf-8"))
    pictures = [original / entry["picture"] for entry in expected]
    found = run(consumer, original, *pictures, blocked=tmp_path / "blocked")
    assert found.returncode == 0, found.stderr
    rows = [line.split("\t") for line in found.stdout.splitlines()]
    assert [row[0] for row in rows] == [str(picture) for picture in pictures]
    assert [row[1] for row in rows] == [entry["label"] for entry in expected]
    for row, entry in zip(rows, expected, strict=True):
        assert float(row[2]) == pytest.approx(entry["probabilities"][entry["label"]], abs=1e-4)


def test_the_block_blocks(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for name in ("tensorflow", "keras", "tfxfer"):
        command = [sys.executable, "-c", f"import {name}"]
        assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_golden_answers_hold(consumer: str, original: Path, tmp_path: Path) -> None:
    found = run(consumer, original, "--golden", blocked=tmp_path / "blocked")
    assert found.returncode == 0, found.stderr
    assert found.stdout == f"golden answers hold: {CONSUMERS[consumer]}\n"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_changed_weight_breaks_the_golden_answers(consumer: str, bundle: Path, tmp_path: Path) -> None:
    artifact = CONSUMERS[consumer]
    kernel = tampering.first_convolution(bundle, artifact)
    tampering.change_one_weight(bundle, artifact, kernel.flat[np.abs(kernel).argmax()], 1.05)
    found = run(consumer, bundle, "--golden", blocked=tmp_path / "blocked")
    assert found.returncode == 1
    assert "golden/000.png: logits" in found.stderr


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_bundle_without_the_format_is_refused(consumer: str, bundle: Path, tmp_path: Path) -> None:
    value = tampering.read(bundle)
    value["quantization"] = {"saved_model": {"format": "saved_model", "precision": "float32"}}
    tampering.write(bundle, value)
    found = run(consumer, bundle, "--golden", blocked=tmp_path / "blocked")
    assert found.returncode == 1
    assert "Received: ['saved_model']" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("rule", RULES)
def test_resize_rule_is_that_of_the_data_to_the_byte(consumer: str, rule: ResizeRule) -> None:
    random, program = np.random.default_rng(0), loaded(consumer)
    sizes = [(1, 1), (1, 50), (50, 1), (24, 32), (31, 47), (97, 33), (480, 640)]
    for height, width in sizes:
        picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for target in ((24, 32), (7, 7), (33, 5)):
            found = np.asarray(program.resized(Image.fromarray(picture), *target, rule))
            assert np.array_equal(found, resize_image(picture, target, rule)), (height, width, target)


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_pictures_of_every_mode_are_decoded_as_the_data_are(consumer: str, mode: str, tmp_path: Path) -> None:
    random, program = np.random.default_rng(0), loaded(consumer)
    if mode == "I;16":
        image = Image.fromarray(random.integers(0, 65536, (9, 11), dtype=np.uint16))
    elif mode == "RGBA":
        image = Image.fromarray(random.integers(0, 256, (9, 11, 4), dtype=np.uint8))
    else:
        image = Image.fromarray(random.integers(0, 256, (9, 11, 3), dtype=np.uint8)).convert(mode)
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    image.save(path)
    assert np.array_equal(np.asarray(program.opened(path)), decode_image(path.read_bytes()))


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(consumer: str, orientation: int, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "picture.jpg"
    Image.fromarray(picture).save(path, exif=exif)
    assert np.array_equal(np.asarray(loaded(consumer).opened(path)), decode_image(path.read_bytes()))


def test_the_two_programs_prepare_pictures_by_the_same_lines() -> None:
    texts = [(ROOT / "exports" / name / "predict.py").read_text("utf-8") for name in CONSUMERS]
    shared = [text[text.index("def opened(") :] for text in texts]
    assert shared[0] == shared[1]


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_requirements_are_what_the_program_imports(consumer: str) -> None:
    folder = ROOT / "exports" / consumer
    names = {line.split(">")[0] for line in (folder / "requirements.txt").read_text().split()}
    engine = "ai-edge-litert" if consumer == "litert_python" else "onnxruntime"
    assert names == {engine, "numpy", "pillow"}
    assert "--golden" in (folder / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def own_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a user's own model, which takes normalised images of one channel."""
    from tests.stages.own_model import fitted, own_data, own_model
    from tfxfer.stages.export_model import export

    bundle = tmp_path_factory.mktemp("own") / "bundle"
    export(fitted(own_model()), bundle, ["litert", "onnx"], test=own_data(24, 2))
    return bundle


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_inputs_that_are_no_pictures(
    consumer: str, own_inputs: Path, photos_folder: Path, tmp_path: Path
) -> None:
    found = run(consumer, own_inputs, "--golden", blocked=tmp_path / "blocked")
    assert found.returncode == 0, found.stderr
    picture = next(photos_folder.glob("*/*.png"))
    found = run(consumer, own_inputs, picture, blocked=tmp_path / "blocked")
    assert found.returncode == 1
    assert "Received: one with inputs of its own." in found.stderr


@pytest.mark.parametrize(("taken", "given"), [(None, None), ("int8", "int8")])
def test_a_file_of_integers_to_both_ends(
    taken: str | None, given: str | None, photos_folder: Path, tmp_path: Path
) -> None:
    """The contract says what they stand for, and the program's answers are floats as from any file."""
    photos, bundle = read_photos(photos_folder, "stretch"), tmp_path / "bundle"
    train_data = [(photos.images[::2], photos.targets[::2])]
    options = tfxfer.ExportOptions(input_dtype=taken, output_dtype=given)  # type: ignore[arg-type]
    tfxfer.export(
        train(*train_data[0], 0),
        bundle,
        ["litert:int8", "onnx:int8"],
        calibration=train_data,
        test=[(photos.images[1::2], photos.targets[1::2])],
        labels=LABELS,
        options=options,
    )
    contract = json.loads((bundle / "contract.json").read_text("utf-8"))
    stored = contract["quantization"]["litert/int8.tflite"]["tensors"]
    ends = [taken or "uint8", *[given or "uint8"] * 2]
    assert [stored[name]["dtype"] for name in ("image", "probabilities", "logits")] == ends
    assert stored["probabilities"]["scale"] == 1 / 256
    assert tfxfer.verify(bundle).passed
    for consumer, artifact in zip(CONSUMERS, ("litert/int8.tflite", "onnx/int8.onnx"), strict=True):
        found = run(consumer, bundle, "--golden", blocked=tmp_path / "blocked")
        assert found.returncode == 0, found.stderr
        assert found.stdout == f"golden answers hold: {artifact}\n"
    picture = bundle / contract["golden"]["pictures"][0]
    share = run("litert_python", bundle, picture, blocked=tmp_path / "blocked").stdout.split("\t")[2]
    assert 0.5 < float(share) <= 1


@pytest.mark.parametrize("consumer", CONSUMERS)
@pytest.mark.parametrize("rule", RULES_OF_ANSWERS)
def test_answers_are_those_of_the_library(consumer: str, rule: str) -> None:
    decoding, decision = RULES_OF_ANSWERS[rule]
    contract = Contract(InputSpec((8, 8), "crop"), THREE, (), (), decoding, decision)
    program, document = loaded(consumer), json.loads(json.dumps(contract.as_dict()))
    rows = np.random.default_rng(0).dirichlet((0.7, 0.7, 0.7), 300).astype(np.float32)
    found = [program.answer(row, document) for row in rows]
    assert found == [answer(row, THREE, contract.task, decision) for row in rows]
    plain = [answer(row, THREE, contract.task, None) for row in rows]
    assert (found == plain) == (decision is None)  # a rule that changes nothing would test nothing
