"""The families that users ask for, on real photos, in every runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.formats.families import flowers, lively
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime

pytestmark = pytest.mark.real

FAMILIES = {"MobileNetV2": 96, "MobileNetV3Small": 96, "EfficientNetB0": 96}  # and their size in pixels
SLOW_FAMILIES = {"EfficientNetV2B0": 128, "ConvNeXtTiny": 96, "ResNet50": 128, "EfficientNetV2S": 128}
TRANSPOSES = {"ConvNeXtTiny": 37}  # into and out of the channels-last norm of each block; 1 in all others


@pytest.mark.parametrize(
    ("family", "size"),
    [
        *FAMILIES.items(),
        *(pytest.param(family, size, marks=pytest.mark.slow) for family, size in SLOW_FAMILIES.items()),
    ],
)
def test_a_family_gives_the_same_logits_everywhere(
    family: str, size: int, assets: Path, tmp_path: Path
) -> None:
    photos = flowers(assets, 40, size)
    model = lively(family, photos[:32])
    expected = np.asarray(model(photos, training=False))
    largest = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() >= 1e-2 * largest, "outputs must differ between photos"
    traced = trace(model)
    errors = {}
    for format, name in {"saved_model": "saved_model", "litert": "m.tflite", "onnx": "m.onnx"}.items():
        artifact = write_artifact(format, traced, tmp_path / name)
        found = open_runtime(format, artifact.path).predict(photos).logits
        errors[format] = float(np.abs(found - expected).max() / largest)
        print(
            f"{family} {size} {format}: {errors[format]:.1e} of the largest logit, {artifact.seconds:.1f} s"
        )
    assert max(errors.values()) <= 1e-3, errors
    kinds = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert kinds.count("Transpose") <= TRANSPOSES.get(family, 1)
