"""Full int8 beside float32: size, accuracy, latency in turn, float tensors; and the ladder of two more networks.

    python -m benchmarks.int8 --data PHOTOS --weights WEIGHTS --work DIR      # MobileNetV2 1.0 at 224 pixels
    python -m benchmarks.int8 --data PHOTOS --work DIR --ladder keras/MobileNetV3Small keras/EfficientNetB0

WEIGHTS is keras.applications' MobileNetV2 1.0, 224, without top. The networks of --ladder have no weights: they are
trained from nothing for --epochs with BatchNorm's statistics of the training pictures (moving ones need thousands of
steps), and `litert:fastest` chooses.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tfxfer.formats.litert_flatbuffer import read_flatbuffer
from tfxfer.runtimes import open_runtime
from tfxfer.verification.latency import timed_runs

BAR = """
data: {data}
backbone: {{name: keras/MobileNetV2, image_size: 224, weights: {weights}}}
training: feature_extraction
exports: [litert, litert:int8, onnx, onnx:int8]
"""
LADDER = """
data: {data}
backbone: {{name: {backbone}, image_size: 96, weights: none}}
training:
  phases: [{{name: short, epochs: {epochs}, unfreeze: all, batch_norm: reestimate, learning_rate: 1.0e-3}}]
exports:
  - {{format: litert, precision: fastest, gates: {{max_accuracy_drop: 0.1, min_top1_agreement: 0.6}}}}
  - litert
"""
ROUNDS, RUNS, THREADS = 5, 30, 1
FLOAT_TYPES = (0, 1)  # FLOAT32 and FLOAT16 of LiteRT's schema


def main() -> int:
    options = _options()
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.ladder:
        run = _run("bar", BAR.format(data=options.data, weights=options.weights), options.work)
        print(json.dumps(bar(run), indent=1))
        return 0
    for name in options.ladder:
        text = LADDER.format(data=options.data, backbone=name, epochs=options.epochs)
        run = _run(name.replace("/", "-"), text, options.work)
        for line in ladder(name, run):
            print(line)
    return 0


def bar(run: Path) -> dict[str, Any]:
    """What the report says of the four files, and what is measured here of the two of LiteRT."""
    report = json.loads((run / "report.json").read_text("utf-8"))
    files = {f"{entry['format']}:{entry['precision']}": entry for entry in report["artifacts"]}
    names = ("accuracy", "accuracy_drop", "accuracy_drop_interval", "top1_agreement", "status")
    plain, whole = files["litert:float32"], files["litert:int8"]
    paths = [run / entry["path"] for entry in (plain, whole)]
    return {
        "test images": report["data"]["test"],
        "network": report["test"]["accuracy"],
        "size ratio": whole["size_bytes"] / plain["size_bytes"],
        **{name: {key: entry.get(key) for key in names} for name, entry in files.items()},
        "float tensors": floats(paths[1]),
        **latencies(*paths),
    }


def floats(path: Path) -> list[str]:
    """Names of the tensors of a LiteRT file that hold floats."""
    tensors = read_flatbuffer(path.read_bytes()).subgraphs[0].tensors
    return [tensor.name.decode() for tensor in tensors if tensor.type in FLOAT_TYPES]


def latencies(plain: Path, whole: Path) -> dict[str, Any]:
    """Milliseconds of both files, a round of each in turn, and the ratio of each round."""
    runtimes = [open_runtime("litert", path, threads=THREADS) for path in (plain, whole)]
    image = _noise(runtimes[0])
    rounds = [
        [1000 * statistics.median(timed_runs(each, image, runs=RUNS, warm_up=5)) for each in runtimes]
        for _ in range(ROUNDS)
    ]
    ratios = sorted(second / first for first, second in rounds)
    return {"ms": rounds, "latency ratio": statistics.median(ratios), "ratios": ratios}


def ladder(name: str, run: Path) -> list[str]:
    """What the network and the chosen file are worth, beside float32; then one line for each rung."""
    report = json.loads((run / "report.json").read_text("utf-8"))
    entry, plain = report["artifacts"]
    figures = {key: entry.get(key) for key in ("accuracy", "accuracy_drop_interval", "top1_agreement")}
    timed = latencies(run / plain["path"], run / entry["path"])
    lines = [
        f"| {name} chose | {entry['precision']} | {entry['status']} | {entry.get('note', '')} |",
        f"network {report['test']['accuracy']:.3f}; {figures}; latency / float32 {timed['ratios']}",
    ]
    for rung in entry["ladder"]:
        drop, p50 = (rung.get(key) for key in ("accuracy_drop", "latency_ms_p50"))
        lines.append(f"| {rung['precision']} | {rung['size_bytes']:,} | {p50} ms | {drop} | {rung['why']} |")
    return lines


def _noise(runtime: Any) -> Any:
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (1, *runtime.input_shape)).astype(runtime.input_dtype)


def _run(name: str, config: str, work: Path) -> Path:
    """A run directory, made once; a gate that does not hold is a finding."""
    file, out = work / f"{name}.yaml", work / name
    file.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "tfxfer", "run", str(file), "--out", str(out), "--resume", "--quiet"]
    done = subprocess.run(command, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"tfxfer run ended with {done.returncode}")
    return out


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="run directories; finished ones are kept")
    parser.add_argument("--ladder", nargs="+", metavar="BACKBONE")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    if not options.ladder and options.weights is None:
        parser.error("--weights is needed")
    return options


if __name__ == "__main__":
    sys.exit(main())
