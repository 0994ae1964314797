"""Small pictures for the report."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tfxfer.data import as_picture

LARGEST_SIDE = 160  # pixels of a picture in the report
QUALITY = 85  # of JPEG
DIMMED = 0.7  # of the picture's brightness, under a heat map
STRENGTH = 0.65  # of the heat map's colour where it is hottest
COLOURS = "inferno"  # even steps of brightness, for every kind of colour vision


def thumbnail(image: np.ndarray) -> bytes:
    """A (H, W, 3 or 1) uint8 picture as JPEG, no side longer than LARGEST_SIDE; nothing of the file's own is in it."""
    picture = as_picture(image)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def heated(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A (H, W, 3) or (H, W, 1) uint8 picture under a heat map (h, w) from 0 to 1, which is enlarged to it."""
    from matplotlib import colormaps

    size = (image.shape[1], image.shape[0])
    wide = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    wide = np.clip(wide, 0, 1)
    grey = DIMMED * image.mean(axis=2, keepdims=True)  # so that every colour is the map's
    colours = 255 * colormaps[COLOURS](wide)[..., :3]
    share = STRENGTH * wide[..., None]
    return np.asarray((1 - share) * grey + share * colours, np.uint8)
