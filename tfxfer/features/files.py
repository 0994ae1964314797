"""Files of features: estimated before, written whole or not at all, checked when they are opened."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
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


def require_space(folder: Path, shape: Sequence[int], dtype: str) -> int:
    """The bytes that features of this shape will take.

    Raises:
        FeaturesError: the disk has no room for them.
    """
    needed = math.prod(shape) * np.dtype(dtype).itemsize
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed * MARGIN > free:
        raise FeaturesError(
            f"frozen features of {shape[0]:,} images need {_gib(needed)} of disk. Received: {_gib(free)} free in "
            f"'{place}'. Keep them as float16 (half the size), take fewer views, choose a folder on another disk, "
            "unfreeze fewer blocks (what lies deeper is smaller), or train without them: FeatureCache(use='never')."
        )
    return needed


def write_features(
    folder: Path, shape: Sequence[int], dtype: str, fill: Callable[[np.ndarray], Features]
) -> Features:
    """Have `fill` write a memory-mapped array of `shape`; the folder appears only when it is complete.

    What `fill` raises passes through, and nothing is kept.
    """
    with replaced_folder(folder) as temporary:
        array = np.lib.format.open_memmap(temporary / FEATURES, mode="w+", dtype=dtype, shape=tuple(shape))
        made = fill(array)
        array.flush()
        del array
        if made.digests is not None:
            np.save(temporary / DIGESTS, made.digests)
        facts = {"engine": made.engine, "why": made.why}
        write_json(temporary / FACTS, facts)
        seal(temporary)
    return replace(_opened(folder, facts, made.seconds), computed=made.computed, reused=False)


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
