"""The JavaScript consumers resize and answer as the library does; Node gives a real bundle's golden answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.exports.javascript import NODE, evaluated, installed, needs_node
from tests.exports.rules import RULES_OF_ANSWERS, THREE
from tests.verification import tampering
from tests.verification.making import make_real_bundle, make_three_colours, read_photos
from tfxfer.bundle.contract import Contract, InputSpec
from tfxfer.catalogue.decoding import answer
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import RULES, resize_image

READ = f"""
import {{ readFileSync }} from "node:fs";
import {{ answer, resized }} from {json.dumps((NODE / "picture.mjs").as_uri())};
const given = JSON.parse(readFileSync(0, "utf8"));
"""

RESIZE = f"""{READ}
const found = given.map(({{ pixels, height, width, target, rule }}) =>
  Array.from(resized({{ data: Uint8Array.from(pixels), width, height }}, target[0], target[1], rule)));
console.log(JSON.stringify(found));
"""

GREY = f"""
import {{ readFileSync }} from "node:fs";
import {{ coloured }} from {json.dumps((NODE / "picture.mjs").as_uri())};
const given = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Array.from(coloured(Uint8Array.from(given), {{ colour_order: "GRAY" }}))));
"""

ANSWER = f"""{READ}
console.log(JSON.stringify(given.rows.map((row) => answer(Float32Array.from(row), given.contract))));
"""


@needs_node
@pytest.mark.parametrize("rule", RULES)
def test_resize_rule_is_that_of_the_data_to_the_byte(rule: str) -> None:
    random, cases, wanted = np.random.default_rng(0), [], []
    for height, width in [(1, 1), (1, 50), (50, 1), (24, 32), (31, 47), (97, 33), (120, 160)]:
        picture = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for target in ((24, 32), (7, 7), (33, 5)):
            pixels = picture.ravel().tolist()
            cases.append({"pixels": pixels, "height": height, "width": width, "target": target, "rule": rule})
            wanted.append(resize_image(picture, target, rule).ravel().tolist())  # type: ignore[arg-type]
    assert evaluated(RESIZE, cases) == wanted


@needs_node
def test_grey_is_that_of_the_data_to_the_byte() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    wanted = resize_image(colours, (40, 50), "stretch", 1).ravel().tolist()
    assert evaluated(GREY, colours.ravel().tolist()) == wanted


@needs_node
@pytest.mark.parametrize("rule", RULES_OF_ANSWERS)
def test_answers_are_those_of_the_library(rule: str) -> None:
    decoding, decision = RULES_OF_ANSWERS[rule]
    contract = Contract(InputSpec((8, 8), "crop"), THREE, (), (), decoding, decision)
    rows = np.random.default_rng(0).dirichlet((0.7, 0.7, 0.7), 300).astype(np.float32)
    found = evaluated(ANSWER, {"rows": rows.tolist(), "contract": contract.as_dict()})
    assert found == [answer(row, THREE, contract.task, decision) for row in rows]


def test_the_browser_prepares_pictures_by_the_same_lines() -> None:
    copies = [path.read_bytes() for path in sorted((ROOT / "exports").glob("*/picture.mjs"))]
    assert copies[1:] == copies[:-1]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed("node_onnxruntime", tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_three_colours(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="module")
def original(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_real_bundle(
        tmp_path_factory.mktemp("fresh") / "bundle", read_photos(photos, "crop"), rule="crop"
    )


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["node", str(folder / "predict.mjs"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@needs_node
@pytest.mark.slow
def test_golden_answers_hold_and_pictures_get_their_labels(node: Path, original: Path) -> None:
    expected = json.loads((original / "golden/expected.json").read_text("utf-8"))
    pictures = [original / entry["picture"] for entry in expected]
    found = run(node, original, *pictures, "--golden")
    assert found.returncode == 0, found.stderr
    *rows, last = [line.split("\t") for line in found.stdout.splitlines()]
    assert last == ["golden answers hold: onnx/float32.onnx"]
    for row, picture, entry in zip(rows, pictures, expected, strict=True):
        assert row[:2] == [str(picture), entry["label"]]
        assert float(row[2]) == pytest.approx(entry["probabilities"][entry["label"]], abs=1e-4)


@needs_node
@pytest.mark.slow
def test_a_changed_weight_breaks_the_golden_answers(node: Path, bundle: Path) -> None:
    kernel = tampering.first_convolution(bundle, "onnx/float32.onnx")
    tampering.change_one_weight(bundle, "onnx/float32.onnx", kernel.flat[np.abs(kernel).argmax()], 1.05)
    found = run(node, bundle, "--golden")
    assert found.returncode == 1
    assert "off" in found.stderr


@needs_node
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "I;16"])
def test_pictures_of_every_mode_are_decoded_as_the_data_are(node: Path, mode: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    if mode == "I;16":
        image = Image.fromarray(random.integers(0, 65536, (9, 11), dtype=np.uint16))
    else:
        channels = {"RGBA": 4}.get(mode, 3)
        pixels = random.integers(0, 256, (9, 11, channels), dtype=np.uint8)
        image = Image.fromarray(pixels).convert("L" if mode == "LA" else mode)
        if mode == "LA":
            image.putalpha(Image.fromarray(pixels[..., 0]))
    image.save(tmp_path / "picture.png")
    program = f"""
import {{ opened }} from {json.dumps((node / "predict.mjs").as_uri())};
console.log(JSON.stringify(Array.from((await opened({json.dumps(str(tmp_path / "picture.png"))})).data)));
"""
    decoded = decode_image((tmp_path / "picture.png").read_bytes())
    assert evaluated(program, None) == decoded.ravel().tolist()
