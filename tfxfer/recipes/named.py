"""The phases of every named recipe. No TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tfxfer.catalogue.unfreezing import Unfreezing
from tfxfer.recipes.facts import Facts
from tfxfer.training.phase import Phase

FINE_TUNED_BLOCKS = 6
SLOWER_BY_BLOCK = 2.6**-0.5  # recipe "gradual"
AFTER_UNFREEZING = 8  # epochs of recipe "gradual" after the last block was unfrozen


def named_phases(recipe: str, facts: Facts) -> tuple[Phase, ...]:
    """The phases of a recipe of PHASES; values have no labels to smooth."""
    return for_task(PHASES[recipe](facts), facts)


def for_task(phases: tuple[Phase, ...], facts: Facts) -> tuple[Phase, ...]:
    """Values have no labels to smooth."""
    if facts.task != "regression":
        return phases
    return tuple(replace(phase, label_smoothing=0.0) for phase in phases)


def _feature_extraction(facts: Facts) -> tuple[Phase, ...]:
    del facts
    return (head_phase(),)


def _partial(facts: Facts) -> tuple[Phase, ...]:
    return head_phase(), fine_tuning("last blocks", f"{_fine_tuned_blocks(facts)} blocks", decay=0.9)


def _gradual(facts: Facts) -> tuple[Phase, ...]:
    """ULMFiT (Howard & Ruder 2018): one block at a time, each slower than the one above, slanted triangular.

    The paper unfreezes 4 layer groups, each at 1/2.6 of the rate above. Here two blocks are such a group, and it ends
    at the last 6 blocks: the next one would learn at 1/46 of the head's rate.
    """
    blocks = _fine_tuned_blocks(facts)
    fine_tune = Phase(
        "gradual",
        epochs=blocks + AFTER_UNFREEZING,
        unfreeze=tuple(Unfreezing(epoch, f"{epoch + 1} blocks") for epoch in range(blocks)),
        learning_rate=1e-3 / 2.6,
        head_learning_rate=1e-3,
        learning_rate_decay=SLOWER_BY_BLOCK,
        weight_decay=0.05,
        label_smoothing=0.1,
        schedule="slanted_triangular",
        gradient_clip=1.0,
        keep="last",
        solver="gradient",
    )
    return head_phase(), fine_tune


def _lpft(facts: Facts) -> tuple[Phase, ...]:
    """LP-FT (Kumar et al. 2022): from the solved head, everything at one small rate, so that features bend little."""
    del facts
    fine_tune = fine_tuning("all blocks", "all", decay=1.0)
    return head_phase(), replace(fine_tune, learning_rate=3e-5, label_smoothing=0.0)


def _fine_tuned_blocks(facts: Facts) -> int:
    """The first block always stays, so that there is something to compute once."""
    below = FINE_TUNED_BLOCKS if facts.blocks is None else max(facts.blocks - 1, 1)
    return min(FINE_TUNED_BLOCKS, below)


def _full(facts: Facts) -> tuple[Phase, ...]:
    del facts
    return head_phase(), fine_tuning("all blocks", "all", decay=0.8)


def _scratch(facts: Facts) -> tuple[Phase, ...]:
    del facts
    return (
        Phase(
            "from scratch",
            epochs=30,
            unfreeze="all",
            learning_rate=2e-3,
            batch_norm="learn",  # random statistics are nobody's: they must be learnt
            weight_decay=0.01,
            schedule="cosine",
            warmup_steps=50,
            gradient_clip=1.0,
        ),
    )


def head_phase() -> Phase:
    """Solved where it is linear; these epochs are for a head that is not."""
    return Phase(
        "head", epochs=20, unfreeze="none", weight_decay=1e-4, schedule="cosine", early_stopping_patience=5
    )


def fine_tuning(name: str, unfreeze: str, *, decay: float) -> Phase:
    """From a solved head the loss is near 0 at once, and a few hundred images are soon learnt by heart.

    Smoothed labels and decay hold against that, and the rate's cosine ends every phase calmly. So there is no
    early stop, since the first epochs lose what the later ones win back, and no choice among the epochs by a
    few validation images, as long as the last one validates no worse than the solved head. The figures of 3
    and 6 blocks, of the best and of the last epoch are in benchmarks/README.md.
    """
    return Phase(
        name,
        epochs=10,
        unfreeze=unfreeze,
        learning_rate=3e-4,
        learning_rate_decay=decay,
        weight_decay=0.05,
        label_smoothing=0.1,
        schedule="cosine",
        warmup_steps=30,
        gradient_clip=1.0,
        keep="last",
        solver="gradient",
    )


PHASES: dict[str, Callable[[Facts], tuple[Phase, ...]]] = {
    "feature_extraction": _feature_extraction,
    "partial": _partial,
    "gradual": _gradual,
    "full": _full,
    "lpft": _lpft,
    "scratch": _scratch,
}
