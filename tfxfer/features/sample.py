"""A few images out of a stream of unknown length, each as likely as any other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Sample:
    """Keeps `size` of the images that are added (Vitter 1985, algorithm R); the same stream gives the same ones."""

    size: int
    seen: int = 0
    _kept: list[np.ndarray] = field(default_factory=list, repr=False)
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0), repr=False)

    def add(self, images: np.ndarray) -> None:
        """Offer a batch."""
        for image in images:
            self.seen += 1
            if len(self._kept) < self.size:
                self._kept.append(image)
                continue
            place = int(self._random.integers(self.seen))
            if place < self.size:
                self._kept[place] = image

    @property
    def images(self) -> np.ndarray:
        """Those kept, (n, ...)."""
        return np.stack(self._kept)
