"""The contract over every constructor: six families by default, all of them when slow ones are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backbones.contract import check_backbone
from tests.backbones.lively import photographs
from tfxfer.catalogue.backbones import BACKBONES

SIDE = 96  # pixels
QUICK = (
    *("embedded/small", "keras/MobileNet", "keras/MobileNetV2", "keras/MobileNetV3Small"),
    *("keras/EfficientNetB0", "keras/EfficientNetV2B0", "keras/VGG16"),
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in BACKBONES]
)
def test_every_backbone_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_backbone(name, photographs(max(SIDE, BACKBONES[name].min_size)), tmp_path)
