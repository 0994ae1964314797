"""`auto`: examples per class and the measured domain gap choose how much of the backbone learns. No TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tfxfer.recipes.facts import Alternative, Facts, Plan
from tfxfer.recipes.named import FINE_TUNED_BLOCKS, fine_tuning, for_task, head_phase, named_phases
from tfxfer.training.phase import Phase

# Fewer than this and the backbone stays as it is where it is near: 4 validation images of a class see no gain.
SCARCE = 20
MANY = 100  # images of a class from which a whole backbone can learn without mostly overfitting
# Photographs of flowers are 0.19 to 0.23 from ImageNet at 160 and 224 pixels and 0.36 at 96, grey pictures of metal
# 0.50 to 0.62, digits 0.53 to 0.65, noise 0.90 (MobileNetV1 0.25, MobileNetV2 0.35 and 1.0).
FAR = 0.4
# Validation accuracy of the solved head from which fine-tuning is not begun: of 100 to 200 validation images one or two
# are left to win, and no choice among networks can be made by them.
ENOUGH = 0.99
BATCH, MOST_EPOCHS = 32, 20


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix: what learns after the solved head, and how fast."""

    share: float  # of the backbone's blocks, counted from the head
    rate: float  # of the block next to the head
    decay: float  # from block to block
    epochs: int  # at least
    does: str
    updates: int = 90  # at least, where images are few
    seeks_depth: bool = False


CASES: Mapping[str, Case] = {
    "few and near": Case(
        1 / 3, 3e-4, 0.9, 10, "the solved head, then cautiously the last third of the blocks"
    ),
    "few and far": Case(
        # A third is worse on speakers, no better elsewhere; two thirds and all take more time: benchmarks/README.md.
        1 / 2,
        5e-4,
        0.9,
        10,
        "the solved head on lower features where they validate better, then cautiously the last half of the blocks",
        seeks_depth=True,
    ),
    "many and near": Case(
        1 / 3, 3e-4, 0.9, 10, "the solved head, then the last third of the blocks at small rates"
    ),
    "many and far": Case(
        1 / 2,
        5e-4,  # 1e-3 gains more on digits, and ends below the solved head on defects: benchmarks/README.md
        0.85,
        6,
        "the solved head, then the last half of the blocks at larger rates at the top",
        updates=180,
    ),
}


def choose(facts: Facts) -> Plan:
    """The plan for these facts; the same facts always give the same plan, with its figures and what else it could be.

    Every case starts with a solved head, and fine-tuning that validates below it is undone. The lowest blocks stay
    frozen in every case: they hold filters for edges and colours that every source shares, and half of the time. Where
    the gap is not known, the backbone is taken to be near.
    """
    if facts.frozen_only:
        return Plan(
            "feature_extraction", named_phases("feature_extraction", facts), "the backbone can only be frozen"
        )
    if not facts.pretrained:
        why = "the backbone's weights are random: there is nothing to transfer"
        return Plan("scratch", named_phases("scratch", facts), why)
    name = case_of(facts)
    scarce = name == "few and near" and facts.per_class < SCARCE
    case = CASES[name]
    return Plan(
        "feature_extraction" if scarce else "auto",
        for_task((head_phase(),) if scarce else (head_phase(), fine_tune_phase(case, facts)), facts),
        _why(name, facts, scarce=scarce),
        {
            "examples_per_class": facts.per_class,
            "smallest_class": facts.smallest_class,
            "domain_gap": facts.gap,
        },
        tuple(Alternative(other, CASES[other].does, other == name) for other in CASES),
        enough=ENOUGH if facts.task == "classification" else None,
        seeks_depth=case.seeks_depth and facts.can_be_cut,
    )


def case_of(facts: Facts) -> str:
    """The cell of the matrix, a key of CASES."""
    few, near = facts.per_class < MANY, facts.gap is None or facts.gap < FAR
    return f"{'few' if few else 'many'} and {'near' if near else 'far'}"


def fine_tune_phase(case: Case, facts: Facts) -> Phase:
    """The phase after the head: the share of the blocks, 6 of them at least, but never the lowest one."""
    blocks = 1 if facts.blocks is None else facts.blocks
    count = min(max(math.ceil(case.share * blocks), FINE_TUNED_BLOCKS), max(blocks - 1, 1))
    updates_per_epoch = math.ceil(facts.images / BATCH)
    epochs = min(max(case.epochs, math.ceil(case.updates / updates_per_epoch)), max(MOST_EPOCHS, case.epochs))
    phase = fine_tuning("last blocks", f"{count} blocks", decay=case.decay)
    return replace(
        phase,
        epochs=epochs,
        learning_rate=case.rate,
        warmup_steps=min(phase.warmup_steps, max(1, epochs * updates_per_epoch // 4)),
    )


def _why(name: str, facts: Facts, *, scarce: bool) -> str:
    count = f"{facts.words}: {facts.per_class:.0f} a class, {'under' if facts.per_class < MANY else 'at least'} {MANY}"
    gap = (
        f"domain gap not measured ({facts.why_no_gap}), taken to be near"
        if facts.gap is None
        else f"domain gap {facts.gap:.2f}, {'under' if facts.gap < FAR else 'at least'} {FAR}"
    )
    does = f"the solved head alone, for there are under {SCARCE} a class" if scarce else CASES[name].does
    kept = (
        ""
        if scarce
        else "; the solved head stays where that does not validate better (LP-FT, Kumar et al. 2022)"
    )
    return f"{name} ({count}; {gap}): {does}{kept}"
