"""Files of features: estimated before, written whole or not at all, checked when they are opened."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from tfxfer.errors import FeaturesError
from tfxfer.store.atomic import replaced_folder, write_json
from tfxfer.store.whole import damage, seal

FEATURES, FACTS, DIGESTS = "features.npy", "facts.json", "digests.npy"
MARGIN = 1.1  # of the estimated size that must be free
IN_MEMORY = 0.25  # of the memory that is free now: smaller files are read into it,
MOST_IN_MEMORY = 512 << 20  # but never more bytes than this: memory stays flat however many images there are


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The frozen part's values, one row per image."""

    array: np.ndarray  # (N, ...) memory-mapped, or in memory where it is small
    engine: str
    seconds: float  # that computing them took; 0 where they were there already
    why: str  # this engine
    reused: bool = False
    computed: int = 0  # rows, by this call; the others were known
    digests: np.ndarray | None = (
        None  # (N, 16) uint8, of the images in the order of the rows; for a caller's data
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file of features is to be, and of what kind."""

    folder: Path
    shape: tuple[int, ...]  # (N, ...)
    dtype: str

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def require_space(places: Sequence[Place]) -> None:
    """Refuse files that are too large together.

    Raises:
        FeaturesError: the disk has no room for them.
    """
    needed, images = sum(place.size_bytes for place in places), places[0].shape[0]
    folder = places[0].folder
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed * MARGIN > free:
        raise FeaturesError(
            f"frozen features of {images:,} images need {_gib(needed)} of disk. Received: {_gib(free)} free in "
            f"'{place}'. Keep them as float16 (half the size), take fewer views, choose a folder on another disk, "
            "unfreeze fewer blocks (what lies deeper is smaller), or train without them: FeatureCache(use='never')."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What is to be known of files that have just been filled, the same of all of them."""

    engine: str
    seconds: float
    why: str
    digests: np.ndarray | None = None
    computed: int = 0


def write_features(places: Sequence[Place], fill: Callable[[Sequence[np.ndarray]], Made]) -> Features:
    """Have `fill` write a memory-mapped array for each place, side by side; those of the first come back.

    The folders appear only when all are complete. What `fill` raises passes through, and nothing is kept.

    Raises:
        FeaturesError: the disk has no room for them.
    """
    require_space(places)
    with ExitStack() as stack:
        temporary = [stack.enter_context(replaced_folder(place.folder)) for place in places]
        arrays = [
            np.lib.format.open_memmap(folder / FEATURES, mode="w+", dtype=place.dtype, shape=place.shape)
            for folder, place in zip(temporary, places, strict=True)
        ]
        made = fill(arrays)
        facts = {"engine": made.engine, "why": made.why}
        while arrays:
            arrays.pop().flush()
        for folder in temporary:
            if made.digests is not None:
                np.save(folder / DIGESTS, made.digests)
            write_json(folder / FACTS, facts)
            seal(folder)
    return replace(_opened(places[0].folder, facts, made.seconds), computed=made.computed, reused=False)


def read_features(folder: Path) -> Features | None:
    """Features that are complete and undamaged; None where there are none such."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _opened(folder, facts, 0.0) if damage(folder) is None else None


def _opened(folder: Path, facts: dict[str, str], seconds: float) -> Features:
    path = folder / FEATURES
    small = path.stat().st_size < min(IN_MEMORY * psutil.virtual_memory().available, MOST_IN_MEMORY)
    array = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    digests = np.load(folder / DIGESTS, allow_pickle=False) if (folder / DIGESTS).is_file() else None
    return Features(array, facts["engine"], seconds, facts["why"], reused=not seconds, digests=digests)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.2f} GiB"
