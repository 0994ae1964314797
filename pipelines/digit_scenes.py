"""Writes pictures of one to four handwritten digits, and a manifest of what they show, for the other tasks.

    python pipelines/digit_scenes.py runs/digit_scenes
    tfxfer run configs/multi_label.yaml --out runs/multi_label     # which digits are there
    tfxfer run configs/regression.yaml --out runs/regression       # how much of the picture is ink

The digits are scikit-learn's, 8 x 8 grey levels, enlarged; their places, sizes and the light are drawn by the
seed. `labels` are the digits, `value` is the share of ink in percent, `light` is a column for slices, and a
digit's picture is in scenes of one split only, so that nothing leaks.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 64  # pixels; a scene has 2 x 2 places
SPLITS = {"train": 0.7, "validation": 0.15, "test": 0.15}
DARK = 0.4  # of full brightness


def write_scenes(folder: Path, scenes: int = 2_000, seed: int = 0) -> Path:
    """Write the pictures and scenes.csv (path, labels, value, split, light) into a new folder."""
    folder.mkdir(parents=True)
    random, digits = np.random.default_rng(seed), load_digits()
    pools = np.split(random.permutation(len(digits.images)), _ends(len(digits.images)))
    with (folder / "scenes.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels", "value", "split", "light"])
        for number in range(scenes):
            split = int(np.searchsorted(_ends(scenes), number, side="right"))
            chosen = random.choice(pools[split], size=random.integers(1, 5), replace=False)
            canvas = _scene(digits.images[chosen], random)
            is_dark = bool(random.random() < 0.3)
            name, ink = f"{number:05d}.png", 100 * canvas.mean()
            grey = np.uint8(255 * canvas * (DARK if is_dark else 1.0))
            Image.fromarray(grey).convert("RGB").save(folder / name)
            labels = "|".join(sorted({str(digits.target[index]) for index in chosen}))
            rows.writerow([name, labels, f"{ink:.3f}", list(SPLITS)[split], "dark" if is_dark else "bright"])
    return folder / "scenes.csv"


def _ends(count: int) -> list[int]:
    """Where training ends, and where validation does."""
    train, validation, _ = SPLITS.values()
    return [round(count * train), round(count * (train + validation))]


def _scene(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(SIDE, SIDE) from 0 to 1: each digit somewhere in a quarter of its own."""
    canvas, half = np.zeros((SIDE, SIDE)), SIDE // 2
    for picture, place in zip(pictures, random.permutation(4), strict=False):
        side = int(random.integers(20, half))
        digit = Image.fromarray(np.uint8(picture * 255 / 16)).resize((side, side), Image.Resampling.BILINEAR)
        top, left = (random.integers(0, half - side + 1, 2) + half * np.array(divmod(place, 2))).tolist()
        canvas[top : top + side, left : left + side] = np.asarray(digit) / 255
    return canvas


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write pictures of digits and a manifest of what they show.")
    parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--scenes", type=int, default=2_000, help="how many pictures (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other scenes (default: 0)")
    given = parser.parse_args()
    print(write_scenes(given.folder, given.scenes, given.seed))
