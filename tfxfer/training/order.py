"""The order of the examples in an epoch where every class comes equally often."""

from __future__ import annotations

import numpy as np


def balanced_order(targets: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many rows as there are targets, in rounds of one example of each class, the round's order random."""
    classes = np.unique(targets)
    rounds = -(-len(targets) // len(classes))
    columns = [_cycled(np.flatnonzero(targets == label), rounds, random) for label in classes]
    return random.permuted(np.stack(columns, axis=1), axis=1).ravel()[: len(targets)]


def _cycled(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` of `rows`, all of them in a random order before any comes again."""
    times = -(-count // len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(times)])[:count]
