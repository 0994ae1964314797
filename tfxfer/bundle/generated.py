"""Golden inputs that are made: for data of which nothing may leave the machine.

Each is a sum of what the layers of a trained network look for: soft shapes of every size in colours that vary as
those of photographs do (amplitudes fall with the frequency), edges, stripes of every direction, and grain.
Nothing in them comes from the data. The same seed gives the same inputs.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfxfer.catalogue.inputs import Size

CELLS = (2, 4, 8, 16, 32)  # of a noise layer, a side
SHAPES = 6
GRAIN = 0.02  # of the whole range
BILINEAR = Image.Resampling.BILINEAR


def generated_pictures(count: int, size: Size, seed: int) -> tuple[np.ndarray, ...]:
    """`count` pictures of `size`, (height, width), each (height, width, 3) uint8 RGB."""
    return tuple(np.round(255 * _field(index, size, 3, seed)).astype(np.uint8) for index in range(count))


def generated_arrays(count: int, like: np.ndarray, seed: int) -> np.ndarray:
    """`count` inputs of the dtype and shape of those of `like`, (N, H, W, channels), and as large as they are.

    Each channel has the mean and the standard deviation that it has in `like`, and stays within its range.
    """
    values = like.astype(np.float64)
    mean, spread = values.mean(axis=(0, 1, 2)), values.std(axis=(0, 1, 2))
    low, high = values.min(axis=(0, 1, 2)), values.max(axis=(0, 1, 2))
    _, height, width, channels = like.shape
    fields = np.stack([_field(index, (height, width), channels, seed) for index in range(count)])
    unit = (fields - fields.mean(axis=(0, 1, 2))) / np.maximum(fields.std(axis=(0, 1, 2)), 1e-6)
    made = np.clip(mean + spread * unit, low, high)
    return (np.round(made) if like.dtype.kind in "iu" else made).astype(like.dtype)


def _field(index: int, size: Size, channels: int, seed: int) -> np.ndarray:
    """(height, width, channels) numbers from 0 to 1; some of them pale, some colourful."""
    random = np.random.default_rng([seed, index])
    field = _noise(random, size, channels)
    for _ in range(SHAPES):
        mask = _shape(random, size)[..., None] * random.uniform(0.4, 1.0)
        field = field * (1 - mask) + mask * random.uniform(size=channels)
    grey = field.mean(axis=-1, keepdims=True)
    field = grey + random.uniform(0.2, 1.0) * (field - grey) if channels > 1 else field
    return np.clip(field + random.normal(0, GRAIN, field.shape), 0, 1)


def _noise(random: np.random.Generator, size: Size, channels: int) -> np.ndarray:
    """Soft blotches of every size, the fine ones faint, around one colour."""
    field = np.zeros((*size, channels))
    for cells in CELLS:
        grid = random.normal(size=(cells, cells, channels)) / np.sqrt(cells)
        field += np.stack([_enlarged(grid[..., channel], size) for channel in range(channels)], axis=-1)
    return np.clip(random.uniform(0.25, 0.75, channels) + 0.25 * field, 0, 1)


def _enlarged(grid: np.ndarray, size: Size) -> np.ndarray:
    image = Image.fromarray(grid.astype(np.float32)).resize((size[1], size[0]), BILINEAR)
    return np.asarray(image, np.float64)


def _shape(random: np.random.Generator, size: Size) -> np.ndarray:
    """(height, width) of 0 and 1: an ellipse, a half plane, or stripes within an ellipse."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    down, right = rows - random.uniform(0, rows.max()), columns - random.uniform(0, columns.max())
    angle = random.uniform(0, np.pi)
    along, across = (
        np.cos(angle) * right + np.sin(angle) * down,
        np.cos(angle) * down - np.sin(angle) * right,
    )
    long, short = random.uniform(0.1, 0.5), random.uniform(0.05, 0.3)
    ellipse = (along / long) ** 2 + (across / short) ** 2 < 1
    kind = random.integers(3)
    if kind == 0:
        return ellipse.astype(np.float64)
    if kind == 1:
        return ((along > 0.3) & (along < 0.3 + short)).astype(np.float64)
    stripes = np.sin(along * 2 * np.pi / random.uniform(0.02, 0.15)) > 0
    return (ellipse & stripes).astype(np.float64)
