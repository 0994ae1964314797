"""The range test of a recipe: on the first of its phases that learns by gradient, from where the ones before end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfxfer.features.cache import FeatureCache
from tfxfer.network.network import Network
from tfxfer.store.journal import Journal
from tfxfer.training.finder import STEPS, find_learning_rate
from tfxfer.training.fit import fit, readied
from tfxfer.training.linear import why_not_solved
from tfxfer.training.parts import parts_of
from tfxfer.training.phase import Phase
from tfxfer.training.prepared import Data
from tfxfer.training.rate_curve import RateCurve


@dataclass(frozen=True, slots=True)
class FirstRate:
    """A curve, and how the network came to where it was measured."""

    curve: RateCurve
    planned: float  # the phase's own learning rate
    why: str  # this phase

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**self.curve.as_dict(), "planned": self.planned, "why": self.why}


def find_first_rate(
    network: Network,
    train: Data,
    validation: Data,
    phases: Sequence[Phase],
    *,
    steps: int = STEPS,
    seed: int = 0,
    cache: FeatureCache | None = None,
    journal: Journal | None = None,
) -> FirstRate:
    """Solve the phases that are solved, then test the first that is not; where all are, the last one as if iterated.

    The phases that are solved stay done: the network is where the tested phase would begin.
    """
    solved: list[str] = []
    parts = [part.phase for part in parts_of(phases)]
    with (FeatureCache() if cache is None else cache).opened() as opened:
        for phase in parts:
            if phase is parts[-1] or not _is_solved(network, train, phase, seed, opened):
                break
            fit(network, train, validation, phase, seed=seed, cache=opened, journal=journal)
            solved.append(phase.name)
        iterated = not _is_solved(network, train, phase, seed, opened)
        curve = find_learning_rate(
            network, train, phase, steps=steps, seed=seed, cache=opened, journal=journal
        )
    why = f"after {', '.join(solved)}, solved: it has no rate" if solved else "the first phase"
    if not iterated:
        why = "the head is solved and needs no rate; this is what it would need with solver: gradient"
    return FirstRate(curve, phase.learning_rate, why)


def _is_solved(network: Network, train: Data, phase: Phase, seed: int, cache: FeatureCache) -> bool:
    if phase.solver == "gradient":
        return False
    with readied(network, train, phase, seed=seed, cache=cache) as job:
        return why_not_solved(job.learner.suffix, phase, job.train, job.validation, job.head) is None
