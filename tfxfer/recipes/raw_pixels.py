"""What a picture says without any pretrained network: a thumbnail, and statistics of colour and contrast."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from PIL import Image

from tfxfer.data.resize import as_picture

SIDE = 16  # pixels of the thumbnail
BINS = 8  # of each colour's histogram
SAMPLED = 64  # rows and columns, at least, that the statistics are taken from


class Pictures(Protocol):
    """Pictures (N, H, W, 3 or 1) uint8 that are read when they are asked for: an array, or rows of a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> np.ndarray: ...


def pixel_features(images: Pictures) -> np.ndarray:
    """(N, 804) float32, one row for each picture; of grey ones (N, 268).

    Thumbnails classify scenes by themselves (Torralba, Fergus & Freeman 2008, "80 million tiny images"), colour
    histograms find objects (Swain & Ballard 1991, "Color indexing"); mean differences of neighbouring pixels tell
    coarse from fine.
    """
    return np.stack([_one(np.asarray(images[index])) for index in range(len(images))]).astype(np.float32)


def _one(picture: np.ndarray) -> np.ndarray:
    small = np.asarray(as_picture(picture).resize((SIDE, SIDE), Image.Resampling.BOX), np.float32) / 255
    step = max(1, min(picture.shape[:2]) // SAMPLED)
    seen = picture[::step, ::step].reshape(-1, picture.shape[-1])
    contrast = [_contrast(picture[:, ::step], axis=0), _contrast(picture[::step], axis=1)]
    return np.concatenate(
        [small.ravel(), seen.mean(axis=0) / 255, seen.std(axis=0) / 255, *contrast, _histogram(seen)]
    )


def _contrast(picture: np.ndarray, *, axis: int) -> np.ndarray:
    """The mean difference of neighbours along an axis, for each colour."""
    return np.abs(np.diff(picture.astype(np.int16), axis=axis)).mean(axis=(0, 1)) / 255


def _histogram(seen: np.ndarray) -> np.ndarray:
    """The share of pixels (N, channels) in each eighth of each colour's range."""
    parts = seen // (256 // BINS)
    counts = [np.bincount(parts[:, channel], minlength=BINS) for channel in range(seen.shape[1])]
    return np.concatenate(counts) / len(parts)
