"""Parameters of backbones at other widths, without a classifier."""

from __future__ import annotations

from collections.abc import Mapping

# Counted on keras.applications' networks (Keras 3.15): name -> alpha -> parameters; alphas with ImageNet weights.
WIDTHS: Mapping[str, Mapping[float, int]] = {
    "keras/MobileNet": {0.25: 218_544, 0.5: 829_536, 0.75: 1_832_976, 1.0: 3_228_864},
    "keras/MobileNetV2": {
        0.35: 410_208,
        0.5: 706_224,
        0.75: 1_382_064,
        1.0: 2_257_984,
        1.3: 3_766_048,
        1.4: 4_363_712,
    },
    "keras/MobileNetV3Small": {0.75: 583_160, 1.0: 939_120},
    "keras/MobileNetV3Large": {0.75: 1_808_736, 1.0: 2_996_352},
}
