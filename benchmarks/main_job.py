"""Folder of photographs to three verified files: tfxfer beside the Keras guide's recipe, in turn, same splits.

    python benchmarks/main_job.py --data PHOTOS --weights MOBILENET_V2_1.0_NO_TOP.h5 [--seeds 0 1 2]
        [--recipe feature_extraction] [--no-guide]

Each side is a whole process, from the interpreter's start to its end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

CONFIG = """
data: {data}
backbone: {{name: keras/MobileNetV2, image_size: 224, weights: {weights}}}
training: {{recipe: {recipe}}}
exports: [saved_model, litert, onnx]
seed: {seed}
"""


def run_tfxfer(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, float]:
    """Whole-process seconds and the figures of report.json."""
    config = folder / "config.yaml"
    config.write_text(
        CONFIG.format(data=options.data, weights=options.weights, recipe=options.recipe, seed=seed)
    )
    start = time.monotonic()
    command = [sys.executable, "-m", "tfxfer", "run", str(config), "--out", str(folder / "run")]
    finished = subprocess.run(command, check=False)
    seconds = time.monotonic() - start
    report = json.loads((folder / "run" / "report.json").read_text())
    worst = max(artifact["max_abs_logit_error"] for artifact in report["artifacts"])
    agreement = min(artifact["top1_agreement"] for artifact in report["artifacts"])
    return {
        "exit_code": finished.returncode,
        "seconds": seconds,
        "accuracy": report["test"]["accuracy"],
        "test_images": report["data"]["test"],
        "max_abs_logit_error": worst,
        "top1_agreement": agreement,
    }


def run_guide(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Whole-process seconds and the test accuracy of the guide's recipe on the splits that tfxfer made."""
    command = [
        sys.executable,
        str(HERE / "keras_guide.py"),
        options.data,
        str(folder / "run" / "splits.csv"),
        options.weights,
    ]
    start = time.monotonic()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found | {"seconds": time.monotonic() - start}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--recipe", default="feature_extraction")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--no-guide", action="store_true")
    options = parser.parse_args()
    ours, guides = [], []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            ours.append(run_tfxfer(options, seed, Path(folder)))
            print(f"seed {seed}: tfxfer {ours[-1]}", flush=True)
            if not options.no_guide:
                guides.append(run_guide(options, Path(folder)))
                print(f"seed {seed}: Keras guide {guides[-1]}", flush=True)
    images = sum(result["test_images"] for result in ours)
    pooled = sum(result["accuracy"] * result["test_images"] for result in ours) / images
    print(f"tfxfer: accuracy {pooled:.4f} pooled over {images} test images, median {_median(ours):.1f} s")
    if guides:
        accuracy = statistics.mean(result["accuracy"] for result in guides)
        ratios = [mine["seconds"] / guide["seconds"] for mine, guide in zip(ours, guides, strict=True)]
        print(f"Keras guide: accuracy {accuracy:.4f}, median {_median(guides):.1f} s")
        print(
            f"time ratio tfxfer / guide: median {statistics.median(ratios):.3f} "
            f"(min {min(ratios):.3f}, max {max(ratios):.3f})"
        )


def _median(results: list[dict[str, float]]) -> float:
    return statistics.median(result["seconds"] for result in results)


if __name__ == "__main__":
    main()
