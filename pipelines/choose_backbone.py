"""Which backbone, at equal latency? Ranked by a linear probe on your own pictures, within milliseconds that you give.

    python choose_backbone.py CONFIG [--within-ms 5] [--backbones A,B,C] [--out runs/choice]

Prints the ranking and keeps it as JSON. Milliseconds are of this machine: one
picture, the float32 LiteRT file, one thread.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import tfxfer

MOBILE = ",".join(
    [
        "keras/MobileNetV2?alpha=0.35",
        "keras/MobileNetV2?alpha=0.35&image_size=160",
        "keras/MobileNetV2",
        "keras/MobileNetV3Small",
        "keras/EfficientNetB0",
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Choose a backbone by accuracy within a latency.")
    parser.add_argument("config", help="a configuration with your data; its backbone is replaced")
    parser.add_argument(
        "--backbones", default=MOBILE, help="names with options: NAME?alpha=0.35&image_size=160"
    )
    parser.add_argument("--within-ms", type=float, help="the most milliseconds that one picture may take")
    parser.add_argument("--out", type=Path, default=Path("runs/choice"), help="a folder, which must be new")
    options = parser.parse_args()
    budget = tfxfer.Budget(max_latency_ms=options.within_ms)
    ranking = tfxfer.rank_backbones(options.config, options.backbones, budget)
    for row in ranking["backbones"]:
        print(f"{row['backbone']}: {row['status']} {row['why']}")
        if row["status"] == "ranked":
            print(f"  validation {row['validation_accuracy']:.4f}, test {row['test_accuracy']:.4f}")
            print(f"  {row['latency_ms_p50']:.2f} ms, {row['size_bytes']:,} bytes, {row['licence']}")
    best = ranking["backbones"][0]
    if best["status"] != "ranked":
        raise SystemExit("no backbone is within the budget: allow more milliseconds, or name smaller ones")
    options.out.mkdir(parents=True)
    (options.out / "ranking.json").write_text(json.dumps(ranking, indent=2), encoding="utf-8")
    print(f"the best within the budget: {best['backbone']}; figures: {options.out}/ranking.json")


if __name__ == "__main__":
    main()
