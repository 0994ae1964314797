"""The arms of a race between ways to train, at equal budget, over nested training sets of several sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfxfer.recipes.plan import Facts, Plan, plan_phases

ARMS: Mapping[str, str] = {  # name -> recipe
    "frozen": "feature_extraction",
    "partial": "partial",
    "full": "full",
    "scratch": "scratch",
}
EQUAL = (
    "every arm may pass {epochs} times over the training images, in batches of the same size, from the same seed; "
    "validation and test images are the same for every arm and size. Fine-tuning spends its share on the head "
    "first, which is solved at once where it is linear; from scratch all passes are gradient steps"
)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train on one training set."""

    name: str  # of ARMS
    per_class: int | None  # training images of each class at most; None is all

    @property
    def recipe(self) -> str:
        return ARMS[self.name]

    @property
    def size(self) -> str:
        """ "10", or "all"."""
        return "all" if self.per_class is None else str(self.per_class)


def budget_epochs(facts: Facts) -> int:
    """The passes over the training images that fine-tuning everything takes at most, its head included."""
    return sum(phase.epochs for phase in plan_phases("full", facts).phases)


def budgeted(plan: Plan, epochs: int) -> Plan:
    """The plan with `epochs` epochs in all, shared out among its phases as before, one for each at least."""
    total, left, phases = sum(phase.epochs for phase in plan.phases), epochs, []
    for number, phase in enumerate(plan.phases, start=1):
        after = len(plan.phases) - number
        share = left if after == 0 else min(max(1, round(epochs * phase.epochs / total)), left - after)
        phases.append(replace(phase, epochs=max(1, share)))
        left -= share
    return replace(plan, phases=tuple(phases))


def nested_subset(targets: np.ndarray, per_class: int | None, seed: int) -> np.ndarray:
    """Sorted rows of at most `per_class` examples of each class; a larger subset holds every smaller one."""
    if per_class is None:
        return np.arange(len(targets))
    order = np.random.default_rng(seed).permutation(len(targets))
    rows = [order[targets[order] == label][:per_class] for label in np.unique(targets)]
    return np.sort(np.concatenate(rows))


def useful_sizes(sizes: Sequence[int | None], targets: np.ndarray) -> tuple[int | None, ...]:
    """Ascending and each once; one that takes every example is "all"."""
    most = int(np.bincount(targets).max())
    counts = sorted({size for size in sizes if size is not None and size < most})
    everything = any(size is None or size >= most for size in sizes)
    return (*counts, None) if everything else tuple(counts)
