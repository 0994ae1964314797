"""The contract of backbones over every way to name one: what tfxfer can load learns, is kept and exported alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.backbones.contract import check_backbone
from tests.backbones.lively import lively, photographs
from tests.backbones.models import images, randomise, residual_model
from tests.backbones.modules import SIDE, save_tiny
from tests.backbones.test_attention import SIDE as TRANSFORMER_SIDE
from tests.backbones.test_attention import vision_transformer
from tfxfer.backbones.backbone import load_backbone
from tfxfer.network.network import Network, attach_head
from tfxfer.network.run_backbone import load_any_backbone
from tfxfer.network.save import save_network

LABELS = ("a", "b", "c")
Source = Callable[[Path], tuple[Network, np.ndarray]]


def catalogued(name: str) -> Source:
    def make(folder: Path) -> tuple[Network, np.ndarray]:
        photos = photographs(name)
        return lively(name, photos), photos[:16]

    return make


def saved_model(folder: Path) -> tuple[Network, np.ndarray]:
    module = save_tiny(folder / "module")
    return _headed(load_backbone(f"hub/{module}", pixels="[-1,1]")), images(16, SIDE)


def keras_file(folder: Path) -> tuple[Network, np.ndarray]:
    model = residual_model(32)
    randomise(model)
    model.save(folder / "own.keras")
    return _headed(load_backbone(f"file/{folder / 'own.keras'}", pixels="[0,1]")), images(16, 32)


def finished_run(folder: Path) -> tuple[Network, np.ndarray]:
    photos = photographs("embedded/small")
    save_network(lively("embedded/small", photos), folder / "first" / "network")
    return _headed(load_any_backbone(f"run/{folder / 'first'}")), photos[:16]


def transformer(folder: Path) -> tuple[Network, np.ndarray]:
    del folder
    keras.utils.set_random_seed(0)
    backbone = load_backbone(vision_transformer(), pixels="[-1,1]")
    return _headed(backbone), images(16, TRANSFORMER_SIDE)


def hub_module_of_images(folder: Path) -> tuple[Network, np.ndarray]:
    module = folder / "mobilenet_v2_035_224_feature_vector"
    return _headed(load_backbone(f"hub/{module}", pixels="[-1,1]")), images(16, 224)


def hub_module_of_numbers(folder: Path) -> tuple[Network, np.ndarray]:
    backbone = load_backbone(f"hub/{folder / 'mlperf_tiny_kws_ref_model'}", kind="tensor")
    return _headed(backbone), np.random.default_rng(0).normal(size=(16, 49, 10, 1)).astype("float32")


def _headed(backbone) -> Network:
    return attach_head(backbone, LABELS, dropout=0.0)


MADE: dict[str, Source] = {
    "a SavedModel": saved_model,
    "file/PATH": keras_file,
    "run/DIR": finished_run,
    "a vision transformer": transformer,
    "embedded/small": catalogued("embedded/small"),
    "keras/MobileNetV2": catalogued("keras/MobileNetV2"),
}
QUICK = ("file/PATH",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MADE]
)
def test_every_source_keeps_the_contract(name: str, tmp_path: Path) -> None:
    network, inputs = MADE[name](tmp_path)
    check_backbone(network, inputs, tmp_path)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("source", [hub_module_of_images, hub_module_of_numbers])
def test_hub_modules_keep_the_contract(source: Source, assets: Path, tmp_path: Path) -> None:
    network, inputs = source(assets / "saved_models")
    check_backbone(network, inputs, tmp_path)
