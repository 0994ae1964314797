"""TF Hub's MobileNetV2 0.35 and keras.applications' from the same weights: the same features, and as good when trained?

    python benchmarks/hub_against_keras.py ASSETS [--train OUT] [--seeds 3] [--epochs 4]

ASSETS holds saved_models/, keras_weights/ and images/flowers5. With --train both are trained on the flowers: frozen
(the head is solved), then whole at one rate for all weights, since their blocks are not the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer import load_backbone
from tfxfer.data.unlabelled import open_unlabelled

PICTURES = 32
HUB = "saved_models/mobilenet_v2_035_224_feature_vector"
WEIGHTS = "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def main(arguments: argparse.Namespace) -> None:
    assets = arguments.assets
    compare_features(assets)
    if arguments.train is None:
        return
    rows = list(trained(assets, arguments.train, arguments.seeds, arguments.epochs))
    print("| source | seed | frozen | whole, learnt | seconds an epoch |\n|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row) + " |")
    for source in backbones(assets):
        figures = [row[3] for row in rows if row[0] == source]
        spread = f"{min(figures):.4f} to {max(figures):.4f}"
        print(f"{source}: mean {statistics.mean(figures):.4f}, {spread} over {len(figures)} seeds")


def compare_features(assets: Path) -> None:
    """Print how far the features of a few flowers lie apart."""
    hub = load_backbone(f"hub/{assets / HUB}", pixels="[-1,1]")
    own = load_backbone("keras/MobileNetV2", weights=str(assets / WEIGHTS), options={"alpha": 0.35})
    kinds = sorted(path for path in (assets / "images/flowers5").iterdir() if path.is_dir())
    files = [file for kind in kinds for file in sorted(kind.iterdir())[:7]][:PICTURES]
    ((_, images),) = open_unlabelled(files, size=(224, 224)).batches(PICTURES)
    inputs = images.astype("float32") / 127.5 - 1
    expected = np.asarray(own.model(inputs, training=False)).mean((1, 2))
    difference = float(np.abs(np.asarray(hub.model(inputs, training=False)) - expected).max())
    print(
        f"{len(images)} pictures: largest difference {difference:.1e}, largest feature {expected.max():.2f}"
    )


def backbones(assets: Path) -> dict[str, dict[str, object]]:
    """The section `backbone` of each source's configuration."""
    return {
        "SavedModel": {"name": f"hub/{assets / HUB}", "pixels": "[-1,1]"},
        "keras.applications": {
            "name": "keras/MobileNetV2",
            "weights": str(assets / WEIGHTS),
            "options": {"alpha": 0.35},
        },
    }


def trained(assets: Path, out: Path, seeds: int, epochs: int) -> Iterator[tuple[Any, ...]]:
    """Source, seed, test accuracy frozen (of the first seed) and wholly fine-tuned, seconds an epoch.

    A finished run is taken as it is.
    """
    for seed in range(seeds):
        for number, (source, backbone) in enumerate(backbones(assets).items()):
            frozen: object = ""
            if seed == 0:
                found = run(out / f"frozen-{number}-0", assets, backbone, "feature_extraction", 0)
                frozen = found["test"]["accuracy"]
            whole = run(out / f"whole-{number}-{seed}", assets, backbone, phases(epochs), seed)
            seconds = round(whole["phases"][-1]["seconds_per_epoch"], 1)
            row = (source, seed, frozen, whole["test"]["accuracy"], seconds)
            print(*row, file=sys.stderr, flush=True)
            yield row


def phases(epochs: int) -> dict[str, object]:
    """The solved head, then everything at one rate."""
    whole = {"name": "whole", "epochs": epochs, "unfreeze": "all", "learning_rate": 3e-4, "keep": "last"}
    return {"phases": [{"name": "head", "epochs": 20, "unfreeze": "none"}, {**whole, "schedule": "cosine"}]}


def run(out: Path, assets: Path, backbone: dict[str, object], training: object, seed: int) -> dict[str, Any]:
    """The report of a run; exports and baselines are left out."""
    if not (out / "report.json").is_file():
        config = {
            "data": str(assets / "images/flowers5"),
            "backbone": backbone,
            "training": training,
            "seed": seed,
            "exports": [],
            "evaluation": {"baselines": False},
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        file = out.with_suffix(".yaml")
        file.write_text(json.dumps(config))
        command = [sys.executable, "-m", "tfxfer", "run", str(file), "--out", str(out), "--resume"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    report: dict[str, Any] = json.loads((out / "report.json").read_text("utf-8"))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("assets", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    main(parser.parse_args())
