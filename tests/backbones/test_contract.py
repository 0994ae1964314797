"""The contract over every constructor: six families by default, all of them when slow ones are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backbones.contract import TOLERANCE, check_constructor
from tests.backbones.lively import photographs
from tfxfer.catalogue.backbones import BACKBONES

QUICK = (
    *("embedded/small", "keras/MobileNet", "keras/MobileNetV2", "keras/MobileNetV3Small"),
    *("keras/EfficientNetB0", "keras/EfficientNetV2B0", "keras/VGG16"),
)

# Depth amplifies the rounding of another order of sums: in benchmarks/README.md TensorFlow itself, SavedModel against
# Keras's eager pass, differs by 5e-5 to 2e-4 on these, so that files may differ by a little more.
DEEP = 1e-3
AMPLIFY = (
    *("keras/EfficientNetB4", "keras/EfficientNetB6", "keras/EfficientNetB7"),
    *("keras/EfficientNetV2M", "keras/EfficientNetV2L", "keras/ResNet101", "keras/ResNet152"),
    "keras/InceptionV3",  # 2.9e-5 on 40 photographs, 1.3e-4 in LiteRT on these
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in BACKBONES]
)
def test_every_backbone_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_constructor(name, photographs(name), tmp_path, tolerance=DEEP if name in AMPLIFY else TOLERANCE)
