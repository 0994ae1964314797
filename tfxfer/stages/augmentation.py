"""augmented.png: the first batch of every phase that augments, as the pictures were and as training saw them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.data import ArraySplit

if TYPE_CHECKING:
    from tfxfer.catalogue.tasks import TaskName
    from tfxfer.training.phase import Phase

PICTURE = "augmented.png"


def write_picture(
    phases: Sequence[Phase], train: ArraySplit, labels: Sequence[str], *, task: TaskName, seed: int, to: Path
) -> bool:
    """Write the picture; False where no phase augments. Phases that show the same are shown once."""
    from tfxfer.data.augmentation.picture import SHOWN, Batch, picture
    from tfxfer.training.prepared import first_batch

    batches: dict[str, Batch] = {}
    for phase in phases:
        if not phase.augmentation.active or str(phase.augmentation) in batches:
            continue
        before, after = first_batch(train, phase, len(labels), seed=seed)
        captions = [
            (_caption(old, labels, task), _caption(new, labels, task))
            for old, new in zip(before[1][:SHOWN], after[1][:SHOWN], strict=True)
        ]
        title = f"phase '{phase.name}', first batch: {phase.augmentation}"
        batches[str(phase.augmentation)] = Batch(title, before[0][:SHOWN], after[0][:SHOWN], captions)
    if batches:
        picture(list(batches.values())).save(to, optimize=False)
    return bool(batches)


def _caption(target: np.ndarray, labels: Sequence[str], task: TaskName) -> str:
    """One image's target in words: the class, shares of classes, labels that apply, or a value."""
    if task == "regression":
        return f"{float(np.reshape(target, -1)[0]):.4g}"
    if np.ndim(target) == 0:
        return labels[int(target)]
    shares = [(float(share), name) for share, name in zip(target, labels, strict=True) if share > 0.005]
    if all(share > 0.995 for share, _ in shares):
        return ", ".join(name for _, name in shares) or "none"
    return " + ".join(f"{share:.2f} {name}" for share, name in sorted(shares, reverse=True))
