"""Refusals that need real weights: what a SavedModel cannot do, and weights of another network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.running import write_config

HUB = "saved_models/mobilenet_v2_035_224_feature_vector"
TF1 = "saved_models/teachable_machine_image_tf1style"
SMALLER = "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
FINE = "training: {phases: [{name: fine, epochs: 1, unfreeze: 1 blocks, learning_rate: 0.0001}]}\n"
# kind -> backbone (with the assets' folder as {assets}), the rest of the config, exit code, words
CASES = {
    "a TF1-style SavedModel is partly fine-tuned": (
        f'{{name: "hub/{{assets}}/{TF1}", pixels: "[-1,1]"}}',
        "training: partial\n",
        2,
        "feature_extraction",
    ),
    "blocks of a TF1-style SavedModel": (
        f'{{name: "hub/{{assets}}/{TF1}", pixels: "[-1,1]"}}',
        FINE,
        2,
        "exported by TensorFlow 1",
    ),
    "a SavedModel at another size": (
        f'{{name: "hub/{{assets}}/{HUB}", pixels: "[-1,1]", image_size: 96}}',
        "",
        2,
        "image_size",
    ),
    "a SavedModel of sounds": (
        '{name: "hub/{assets}/saved_models/mlperf_tiny_kws_ref_model", pixels: "[0,1]"}',
        "",
        1,
        "(N, H, W, 3)",
    ),
    "weights of a smaller network": (
        f'{{name: keras/MobileNetV2, weights: "{{assets}}/{SMALLER}"}}',
        "",
        1,
        "0.35_224_no_top.h5",
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("kind", CASES)
def test_is_refused_before_anything_is_trained(
    kind: str,
    assets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backbone, rest, code, words = CASES[kind]
    make_photos(tmp_path / "photos", per_class=20)
    text = f"backbone: {backbone.replace('{assets}', str(assets.resolve()))}\n"
    write_config(tmp_path / "run.yaml", "photos", backbone=text, rest=rest)
    monkeypatch.chdir(tmp_path)
    assert call("run", "run.yaml", "--out", "out", "--quiet") == code
    err = capsys.readouterr().err
    assert words in err
    assert err.startswith("error: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "run.yaml"]
