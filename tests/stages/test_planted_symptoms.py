"""Real runs that go wrong on purpose: the page names what was planted, and a run without it hears nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tfxfer.config.read import parse_config
from tfxfer.report.finished import FinishedRun
from tfxfer.report.symptoms.all import suggestions
from tfxfer.stages.pipeline import run_pipeline

pytestmark = pytest.mark.slow

Picture = Callable[[np.random.Generator], np.ndarray]
HEAD_ONLY = [{"name": "head", "epochs": 1}]
MOBILENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def noise(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (32, 32, 3), dtype=np.uint8)


def shade(brightness: int) -> Picture:
    """Noise around a brightness, which thumbnails show and edges do not."""
    return lambda random: np.clip(random.normal(brightness, 40, (32, 32, 3)), 0, 255).astype(np.uint8)


def write(folder: Path, classes: dict[str, tuple[int, Picture]]) -> str:
    random = np.random.default_rng(0)
    for label, (count, picture) in classes.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(picture(random)).save(folder / label / f"{number:03d}.png")
    return str(folder)


def symptoms(out: Path, data: str, phases: list[dict[str, Any]], backbone: Any = None) -> str:
    config = {
        "data": data,
        "backbone": {"name": "embedded/small", "image_size": 32} if backbone is None else backbone,
        "training": {"phases": phases},
        "exports": [],
    }
    report = run_pipeline(parse_config(config), out)
    page = (out / "report.html").read_text(encoding="utf-8")
    found = suggestions(FinishedRun(report))
    assert page.count('class="advice"') == len(found)
    return "\n".join(advice.symptom for advice in found)


@pytest.fixture(scope="module")
def shades(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What an embedded backbone, which has learned strokes, cannot see, and an average can."""
    folder = tmp_path_factory.mktemp("data") / "shades"
    return write(folder, {"dark": (100, shade(120)), "light": (100, shade(125))})


def test_negative_transfer_and_overfitting(tmp_path: Path, shades: str) -> None:
    found = symptoms(tmp_path / "out", shades, HEAD_ONLY)
    assert "Negative transfer" in found
    assert "Overfitting" in found
    assert "Preprocessing mismatch" not in found


def test_collapse_to_the_majority(tmp_path: Path) -> None:
    data = write(tmp_path / "photos", {"common": (560, noise), "rare": (40, noise)})
    found = symptoms(tmp_path / "out", data, HEAD_ONLY)
    assert "answered “common”" in found


def test_forgetting(tmp_path: Path) -> None:
    fine = {"name": "everything", "epochs": 1, "unfreeze": "all", "learning_rate": 0.3}
    found = symptoms(tmp_path / "out", "embedded/digits", [*HEAD_ONLY, fine])
    assert "Phase “everything” forgot" in found
    assert "Negative transfer" not in found


@pytest.mark.parametrize(("pixels", "is_told"), [("[0,255]", True), ("[-1,1]", False)])
def test_preprocessing_mismatch(tmp_path: Path, pixels: str, is_told: bool) -> None:
    from tfxfer.backbones.embedded import GLYPHS, small_network
    from tfxfer.backbones.weights_file import load_weights_file

    model = small_network((32, 32))
    load_weights_file(model, GLYPHS)
    model.save(tmp_path / "small.keras")
    backbone = {"name": f"file/{tmp_path / 'small.keras'}", "pixels": pixels}
    found = symptoms(tmp_path / "out", "embedded/digits", HEAD_ONLY, backbone)
    assert ("Preprocessing mismatch" in found) is is_told


@pytest.mark.real
@pytest.mark.parametrize(("data", "is_told"), [("magnetic_tile_defects", True), ("flowers5", False)])
def test_amplified_shift(tmp_path: Path, assets: Path, data: str, is_told: bool) -> None:
    backbone = {
        "name": "keras/MobileNetV2",
        "image_size": 96,
        "options": {"alpha": 0.35},
        "weights": str(assets / "keras_weights" / MOBILENET),
    }
    found = symptoms(tmp_path / "out", str(assets / "images" / data), HEAD_ONLY, backbone)
    assert ("Amplified shift" in found) is is_told
    assert "Preprocessing mismatch" not in found
