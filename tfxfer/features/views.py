"""Views: augmented copies of images, whose features are kept instead of the images' own."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from tfxfer.catalogue.augmentation import Augment
from tfxfer.data.augmentation.augment import augmented
from tfxfer.features.fingerprints import Images

CHUNK = 32  # images that draw from one generator; part of what a seed means


@dataclass(frozen=True, slots=True)
class Views:
    """So many augmented copies of every image, the same ones for the same seed."""

    augment: Augment  # with `views`
    seed: int

    @property
    def count(self) -> int:
        """Copies of each image."""
        assert self.augment.views is not None
        return self.augment.views

    @property
    def facts(self) -> Mapping[str, object]:
        """All that tells these views from others of the same images."""
        return {**asdict(self.augment), "seed": self.seed, "chunk": CHUNK}

    def of(self, images: np.ndarray, view: int, chunk: int) -> np.ndarray:
        """One view of up to `CHUNK` images that lie together."""
        words = [self.seed, zlib.crc32(b"views"), view, chunk]
        return augmented(images, self.augment, np.random.default_rng(words))


@dataclass(frozen=True, slots=True, eq=False)
class ViewedImages:
    """All views of an array of images, one view after the other, made when rows are asked for."""

    images: Images  # (N, H, W, 3)
    views: Views

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.images.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.images.dtype

    def __len__(self) -> int:
        return len(self.images) * self.views.count

    def batches(self) -> list[slice]:
        """The rows chunk by chunk, so that no chunk is made twice."""
        count = len(self.images)
        return [
            slice(view * count + start, view * count + min(start + CHUNK, count))
            for view in range(self.views.count)
            for start in range(0, count, CHUNK)
        ]

    def __getitem__(self, rows: slice) -> np.ndarray:
        view, start = divmod(rows.start or 0, len(self.images))
        chunk, first = divmod(start, CHUNK)
        images = self.images[chunk * CHUNK : min((chunk + 1) * CHUNK, len(self.images))]
        return self.views.of(images, view, chunk)[first : first + rows.stop - (rows.start or 0)]
