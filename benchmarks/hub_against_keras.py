"""TF Hub's MobileNetV2 0.35 and keras.applications' from the same weights: do they give the same features?

    python benchmarks/hub_against_keras.py ASSETS

ASSETS holds saved_models/, keras_weights/ and images/flowers5.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tfxfer import load_backbone
from tfxfer.data.unlabelled import open_unlabelled

PICTURES = 32


def main(assets: Path) -> None:
    hub = load_backbone(f"hub/{assets / 'saved_models/mobilenet_v2_035_224_feature_vector'}", pixels="[-1,1]")
    weights = assets / "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    own = load_backbone("keras/MobileNetV2", weights=str(weights), options={"alpha": 0.35})
    kinds = sorted(path for path in (assets / "images/flowers5").iterdir() if path.is_dir())
    files = [file for kind in kinds for file in sorted(kind.iterdir())[:7]][:PICTURES]
    ((_, images),) = open_unlabelled(files, size=(224, 224)).batches(PICTURES)
    inputs = images.astype("float32") / 127.5 - 1
    expected = np.asarray(own.model(inputs, training=False)).mean((1, 2))
    difference = float(np.abs(np.asarray(hub.model(inputs, training=False)) - expected).max())
    print(
        f"{len(images)} pictures: largest difference {difference:.1e}, largest feature {expected.max():.2f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
