"""The pooled features of a frozen backbone, for any split; the same files that the head's phase uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tfxfer.backbones.graph import flat_model
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import FeaturesError
from tfxfer.features.cache import FeatureCache
from tfxfer.features.engines import Basis
from tfxfer.network.network import Network
from tfxfer.store.journal import Journal
from tfxfer.training.cut import cut_with_later, lower_prefixes
from tfxfer.training.phase import Phase
from tfxfer.training.progress import Progress


def frozen_features(
    network: Network,
    splits: Mapping[str, ArraySplit],
    cache: FeatureCache,
    *,
    images: int,
    journal: Journal | None = None,
    later: Sequence[Phase] = (),
) -> dict[str, np.ndarray]:
    """(N, features) of each split, computed now or found in `cache`; the head's weights do not matter.

    `images` is how many the engine is chosen for: the training and validation images together, as in `fit`.
    With `later` phases the engine is opened for what they need too, once. Everything but the head is frozen afterwards.

    Raises:
        FeaturesError: the disk has no room, or nothing in this network can be kept.
    """
    journal = Journal() if journal is None else journal
    made, others = cut_with_later(network, Phase("head", unfreeze="none"), later)
    prefix, also = made.learner.prefix, lower_prefixes(others)
    if prefix is None:
        raise FeaturesError("features need something that is frozen. Received: random layers at the input.")
    found, basis = {}, Basis(flat_model(network.model), images)
    for name, split in splits.items():
        told = Progress(journal, "baselines", f"features of {name}", len(split)).add
        kept = cache.keep(prefix, split, name, told, basis=basis, also=also, keep_also=False)
        if kept.features is None:
            raise FeaturesError(f"features must be kept in a folder. Received: {kept.why}.")
        found[name] = kept.features.array
    return found
