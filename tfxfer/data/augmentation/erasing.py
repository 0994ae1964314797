"""Random erasing (Zhong et al. 2020): a rectangle of some pictures becomes noise."""

from __future__ import annotations

import math

import numpy as np

Rectangle = tuple[slice, slice]  # rows, columns
AREA = (0.02, 0.33)  # of the picture
ASPECT = (0.3, 1 / 0.3)


def erased(
    images: np.ndarray, share: float, bounds: tuple[float, float], random: np.random.Generator
) -> np.ndarray:
    """(N, H, W, C); about `share` of the pictures lose a rectangle to noise within `bounds`."""
    count = len(images)
    area = random.uniform(*AREA, count)
    aspect = np.exp(random.uniform(math.log(ASPECT[0]), math.log(ASPECT[1]), count))
    sides = np.minimum(np.sqrt(np.stack([area * aspect, area / aspect], axis=1)), 1.0)
    holes = rectangles(images.shape[1:3], sides, random.uniform(size=(count, 2)))
    found = images.copy()
    for number in np.flatnonzero(random.uniform(size=count) < share):
        hole = found[number][holes[number]]
        hole[:] = random.uniform(*bounds, hole.shape)
    return found


def rectangles(size: tuple[int, ...], sides: np.ndarray, places: np.ndarray) -> list[Rectangle]:
    """Rectangles of height and width `sides` (N, 2), shares of the picture's, in whole pixels.

    `places` (N, 2) from 0 to 1 say where in the room that each one has.
    """
    lengths = np.round(sides * size).astype(int)
    starts = np.floor(places * (np.array(size) - lengths + 1)).astype(int)
    return [
        (slice(start[0], start[0] + length[0]), slice(start[1], start[1] + length[1]))
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]
