"""MixUp and CutMix: pictures mixed in pairs, and their labels by the share of each picture's pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfxfer.data.augmentation.erasing import Rectangle, rectangles


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Which picture goes with which, and the share of each picture's own pixels."""

    partners: np.ndarray  # (N,) int
    own: np.ndarray  # (N,) from 0 to 1
    holes: Sequence[Rectangle] | None = None  # where the partner is seen; None: blended everywhere

    def images(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W, C) of the same dtype, mixed."""
        if self.holes is None:
            own = self.own.astype("float32").reshape(-1, 1, 1, 1)
            blended = own * images + (1 - own) * images[self.partners]
            return (np.rint(blended) if images.dtype == np.uint8 else blended).astype(images.dtype)
        found = images.copy()
        for number, (partner, hole) in enumerate(zip(self.partners, self.holes, strict=True)):
            found[number][hole] = images[partner][hole]
        return found

    def targets(
        self, targets: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(N, outputs) float targets and (N,) weights, mixed so that a linear loss is the mixture of both losses."""
        if weights is None:
            own = self.own[:, None]
            return (own * targets + (1 - own) * targets[self.partners]).astype(targets.dtype), None
        mine, other = self.own * weights, (1 - self.own) * weights[self.partners]
        total = mine + other
        share = np.divide(mine, total, out=np.ones_like(total), where=total > 0)[:, None]
        mixed = share * targets + (1 - share) * targets[self.partners]
        return mixed.astype(targets.dtype), total.astype(weights.dtype)


def drawn(
    size: tuple[int, ...], count: int, values: Mapping[str, float], random: np.random.Generator
) -> Mixture:
    """A mixture of `count` pictures of this size, by MixUp or CutMix; by the toss of a coin where both are on."""
    mixup, cutmix = values.get("mixup", 0.0), values.get("cutmix", 0.0)
    cuts = bool(cutmix) and not (mixup and random.uniform() < 0.5)
    partners, alpha = random.permutation(count), cutmix if cuts else mixup
    own = random.beta(alpha, alpha, count)
    if not cuts:
        return Mixture(partners, own)
    sides = np.repeat(np.sqrt(1 - own)[:, None], 2, axis=1)
    holes = rectangles(size, sides, random.uniform(size=(count, 2)))
    seen = [(rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in holes]
    return Mixture(partners, 1 - np.array(seen) / (size[0] * size[1]), holes)  # of the pixels that are seen


def as_shares(labels: np.ndarray, outputs: int) -> np.ndarray:
    """(N, outputs) targets that can be mixed: of whole-number classes their shares, float32; floats as they are."""
    if not np.issubdtype(labels.dtype, np.integer):
        return labels.reshape(len(labels), -1)
    shares = np.zeros((len(labels), outputs), "float32")
    shares[np.arange(len(labels)), labels.reshape(-1)] = 1
    return shares
