"""A run that augments in mixed precision: its plan, picture and files, and that no work is done twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from tests.conftest import make_photos
from tests.stages.running import write_config
from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.data import decode, examine
from tfxfer.data.decode import Picture
from tfxfer.features import passes
from tfxfer.features.engines import Choice, Opened
from tfxfer.features.fingerprints import example_digests
from tfxfer.stages.configured import build_network, phases_of_config
from tfxfer.stages.pipeline import run_pipeline
from tfxfer.stages.plan import make_plan

PHASES = """
training:
  batch_size: 16
  augment: heavy
  mixed_precision: float16
  phases:
    - {name: head, epochs: 2, unfreeze: none, augment: {preset: light, views: 2}}
    - {name: solved, epochs: 2, unfreeze: none, batch_norm: frozen}
    - {name: fine, epochs: 2, unfreeze: 1 block, learning_rate: 0.001, ema_momentum: 0.5, keep: last}
    - {name: calm, epochs: 1, unfreeze: 1 block, learning_rate: 0.001, augment: none}
exports: [saved_model, litert, onnx, keras]
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A run, and how often each file was decoded and each picture was given to each frozen layer."""

    out: Path
    config: Config
    report: dict[str, Any]
    decoded: Counter[str]
    computed: Counter[tuple[str, bytes]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("augmented")
    make_photos(folder / "photos", per_class=24)
    config = read_config(write_config(folder / "run.yaml", "photos", rest=PHASES))
    decoded: Counter[str] = Counter()
    computed: Counter[tuple[str, bytes]] = Counter()
    decode_picture, open_engine = decode.decode_picture, passes.open_engine

    def counted_decode(data: bytes, name: str = "the picture") -> Picture:
        decoded[name] += 1
        return decode_picture(data, name)

    def counted_engine(choice: Choice, prefix: keras.Model, probe: np.ndarray) -> Opened:
        opened, layers = (
            open_engine(choice, prefix, probe),
            [layer.name for layer in prefix.layers if layer.weights],
        )

        def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
            digests = set(example_digests(images))  # a batch is filled up with copies
            computed.update({(layer, digest) for layer in layers for digest in digests})
            return opened.run(images)

        return replace(opened, run=run)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFXFER_CACHE", str(folder / "cache"))  # where nobody has computed anything yet
        for module in (decode, examine):
            patch.setattr(module, "decode_picture", counted_decode)
        patch.setattr(passes, "open_engine", counted_engine)
        report = run_pipeline(config, folder / "out")
    return Watched(folder / "out", config, report, decoded, computed)


def test_no_file_is_decoded_twice_and_no_feature_computed_twice(watched: Watched) -> None:
    photos = {name: count for name, count in watched.decoded.items() if name.startswith(("red/", "blue/"))}
    assert len(photos) == 48
    # Those of the bundle are decoded once more, as an app does it, to prove them.
    golden = len(list((watched.out / "bundle" / "golden").glob("*.png")))
    assert sorted(photos.values()) == [1] * (48 - golden) + [2] * golden
    assert set(watched.computed.values()) == {1}
    train, validation, test = (watched.report["data"][name] for name in ("train", "validation", "test"))
    # Two views of the training images, and all three splits as they are: once for all four phases.
    layers = {layer for layer, _ in watched.computed}
    assert len(layers) > 10
    assert len(watched.computed) == len(layers) * (2 * train + (train + validation + test))


def test_plan_and_report_say_what_is_augmented_and_what_is_kept(watched: Watched) -> None:
    planned, phases = make_plan(watched.config)["phases"], watched.report["phases"]
    assert [phase["augment"] for phase in planned] == [phase["augment"] for phase in phases]
    assert phases[0]["augment"].endswith("2 views of each image")
    assert phases[1]["augment"] == "none"  # training's own is not for a head on kept features
    assert "cutmix 1" in phases[2]["augment"]
    assert phases[3]["augment"] == "none"
    assert [phase["features"] for phase in planned] == [
        "computed once, 2 views of each training image",
        "computed once",
        "computed once of validation alone: augment mixes other pictures in every epoch",
        "computed once",
    ]
    kept = [phase["cached_boundary"] for phase in planned]
    assert kept == [phase["cached_boundary"] for phase in phases]
    assert [boundary is None for boundary in kept] == [False, False, True, False]
    assert [phase["solver"] for phase in phases] == ["lbfgs", "lbfgs", "gradient", "gradient"]


def test_what_only_training_needs_reaches_no_file(watched: Watched) -> None:
    """Augmentation, weight averaging and mixed precision: built-in operations alone, and the answers of float32."""
    assert [phase["precision"] for phase in watched.report["phases"]] == [
        "float32",  # solved, not trained
        "float32",
        "mixed_float16",
        "mixed_float16",
    ]
    assert len(watched.report["artifacts"]) == 4
    for artifact in watched.report["artifacts"]:
        assert artifact["status"] == "passed", artifact["why"]
        assert artifact["ops_outside_builtins"] == []
        assert artifact["max_abs_logit_error"] < 1e-4


def test_the_picture_shows_the_first_batches(watched: Watched) -> None:
    with Image.open(watched.out / "augmented.png") as picture:
        assert picture.width > 1000
        pixels = np.asarray(picture.convert("RGB"))
    assert picture.height > 4 * 160
    assert pixels.std(axis=(0, 1)).min() > 20
    assert json.loads((watched.out / "report.json").read_text())["phases"]


def test_a_recipe_augments_where_the_backbone_learns(watched: Watched) -> None:
    training = watched.config.training.model_copy(update={"phases": (), "recipe": "partial"})
    config = watched.config.model_copy(update={"training": training})
    targets = np.repeat([0, 1], 20)
    network = build_network(config, ("a", "b"), targets)
    phases = phases_of_config(config, network, targets).phases
    assert [bool(phase.augmentation.active) for phase in phases] == [False, True]
