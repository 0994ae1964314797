"""Does memory stay flat? Peak memory of a whole run over generated pictures, 96 px, by how many there are.

    python benchmarks/many_images.py --work DIR [--images 5000 100000]

Each count is one process: `tfxfer run` with the embedded backbone, its head solved and then trained together with one
block for one epoch, no exports. Prints wall clock and peak resident memory of each, and how the last compares.
Pictures and results stay in DIR; a count whose figures are there is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

CONFIG = """
data: {path: PHOTOS}
backbone: {name: embedded/small, image_size: 96}
exports: []
training:
  phases:
    - {name: head, epochs: 1, unfreeze: none}
    - {name: fine, epochs: 1, unfreeze: 1 blocks, learning_rate: 0.0001, solver: gradient}
"""
CLASSES = 10
SIDE = 96  # pixels


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, nargs="+", default=[5_000, 100_000])
    arguments = parser.parse_args()
    found = [measured(arguments.work, count) for count in arguments.images]
    for entry in found:
        own, whole = (entry[name] / 2**20 for name in ("peak_bytes", "with_file_pages_bytes"))
        figures = f"peak {own:,.0f} MiB, with the pages of files {whole:,.0f} MiB"
        print(f"{entry['images']:>9,} images: {entry['seconds']:8.1f} s, {figures}")
    for name in ("peak_bytes", "with_file_pages_bytes"):
        print(f"{name}, last to first: {found[-1][name] / found[0][name]:.2f}")


def measured(work: Path, count: int) -> dict[str, float]:
    """Figures of one count."""
    kept = work / f"{count}.json"
    if not kept.is_file():
        photos = work / f"photos-{count}"
        generate(photos, count)
        config = work / f"{count}.yaml"
        config.write_text(CONFIG.replace("PHOTOS", str(photos.absolute())), encoding="utf-8")
        start = time.monotonic()
        own, whole = peak_bytes(work, config, work / f"out-{count}")
        seconds = time.monotonic() - start
        value = {"images": count, "seconds": seconds, "peak_bytes": own, "with_file_pages_bytes": whole}
        kept.write_text(json.dumps(value), encoding="utf-8")
    return dict(json.loads(kept.read_text(encoding="utf-8")))


def peak_bytes(work: Path, config: Path, out: Path) -> tuple[int, int]:
    """Of a run that goes on where it is, and must end well: of its own, and with the pages of files it has read.

    The latter the system takes back when it needs them; Linux tells the former, which is looked at ten times a second.
    """
    command = [sys.executable, "-m", "tfxfer", "run", str(config), "--out", str(out), "--resume"]
    environment = {**os.environ, "TFXFER_CACHE": str(work / "cache"), "TFXFER_CACHE_GB": "0"}
    process, own = subprocess.Popen(command, env=environment), 0
    while (found := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        own = max(own, _anonymous(process.pid))
        time.sleep(0.1)
    _, status, usage = found
    assert status == 0, f"the run of {config} failed"
    whole = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return own or whole, whole


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or it ended at this moment
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def generate(folder: Path, count: int) -> None:
    """`count` pictures that differ, whose colours tell their class."""
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(_picture, [folder] * count, range(count), chunksize=500))


def _picture(folder: Path, number: int) -> None:
    file = folder / f"class {number % CLASSES}" / f"{number:06d}.png"
    if file.is_file():
        return
    random = np.random.default_rng(number)
    coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    coarse[..., number % 3] //= 1 + number % CLASSES
    Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(file, compress_level=1)


if __name__ == "__main__":
    main()
