"""Small pictures that differ from each other, for tests of folders and manifests."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image


def picture(number: int) -> bytes:
    """A PNG whose bytes depend on `number`."""
    pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def put(folder: Path, path: str, number: int | None = None) -> Path:
    """Write a picture to `folder/path`; without a number, its bytes depend on the path."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture(sum(path.encode()) * 7919 + len(path) if number is None else number))
    return file


def fill(folder: Path, *labels: str, count: int = 5, start: int = 0) -> Path:
    """`count` different pictures in each folder of `labels`."""
    for position, label in enumerate(labels):
        for index in range(count):
            put(folder, f"{label}/{index:03d}.png", start + position * 10_000 + index)
    return folder
