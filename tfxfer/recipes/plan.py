"""Recipes: a name becomes phases, and `auto` says why it chose them. No TensorFlow."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace

from tfxfer.catalogue.recipes import RECIPES
from tfxfer.catalogue.tasks import TaskName
from tfxfer.catalogue.unfreezing import Unfreezing
from tfxfer.errors import UsageError
from tfxfer.training.phase import Phase

FEW = 20  # training images per class under which moving the backbone does more harm than good
FINE_TUNED_BLOCKS = 6
AFTER_UNFREEZING = 4  # epochs of recipe "gradual" after the last block was unfrozen


@dataclass(frozen=True, slots=True)
class Facts:
    """What a recipe is chosen from."""

    images: int  # training images
    classes: int
    smallest_class: int  # training images of the class with the fewest
    pretrained: bool = True  # whether the backbone's weights were learnt anywhere
    blocks: int | None = None  # of the backbone; None: not counted
    frozen_only: bool = False  # the backbone cannot be cut or trained (a SavedModel)
    task: TaskName = "classification"

    @property
    def words(self) -> str:
        """How much there is to learn from, for a reason."""
        if self.task == "regression":
            return f"{self.images:,} training images for {self.classes} values"
        noun = "classes" if self.task == "classification" else "labels"
        return (
            f"{self.images:,} training images in {self.classes} {noun}, {self.smallest_class} in the smallest"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Phases in order, and why these."""

    recipe: str  # the named one, also where `auto` chose it
    phases: tuple[Phase, ...]
    why: str


def plan_phases(recipe: str, facts: Facts) -> Plan:
    """The phases of a named recipe, or of the one that `auto` chooses for these facts.

    Raises:
        UsageError: no such recipe, or one that this backbone cannot take.
    """
    if recipe == "auto":
        name, why = choose_recipe(facts)
        return Plan(name, _phases(name, facts), why)
    if recipe not in PHASES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "Take one of them."
        raise UsageError(f"recipe must be one of {', '.join(RECIPES)}. Received: '{recipe}'. {hint}")
    if facts.frozen_only and recipe != "feature_extraction":
        raise UsageError(
            f"recipe '{recipe}' needs a backbone whose blocks can learn. Received: one that can only be frozen. "
            "Use 'feature_extraction', or another backbone."
        )
    return Plan(recipe, _phases(recipe, facts), "asked for")


def _phases(recipe: str, facts: Facts) -> tuple[Phase, ...]:
    """The recipe's phases; values have no labels to smooth."""
    phases = PHASES[recipe](facts)
    if facts.task != "regression":
        return phases
    return tuple(replace(phase, label_smoothing=0.0) for phase in phases)


def choose_recipe(facts: Facts) -> tuple[str, str]:
    """(recipe, reason) of `auto`; the same facts always give the same recipe."""
    if facts.frozen_only:
        return "feature_extraction", "the backbone can only be frozen"
    if not facts.pretrained:
        return "scratch", "the backbone's weights are random: there is nothing to transfer"
    per_class = facts.words
    if facts.smallest_class < FEW:
        return "feature_extraction", f"{per_class}: under {FEW} a class, so the backbone stays as it is"
    why = (
        f"{per_class}: at least {FEW} a class, so the solved head is followed by a cautious fine-tuning of "
        f"the last {_fine_tuned_blocks(facts)} blocks, which keeps the solved head where it does not help "
        "(LP-FT, Kumar et al. 2022)"
    )
    return "partial", why


def _feature_extraction(facts: Facts) -> tuple[Phase, ...]:
    del facts
    return (_head(),)


def _partial(facts: Facts) -> tuple[Phase, ...]:
    return _head(), _fine_tune("last blocks", f"{_fine_tuned_blocks(facts)} blocks", decay=0.9)


def _gradual(facts: Facts) -> tuple[Phase, ...]:
    """ULMFiT (Howard & Ruder 2018): one block at a time, each at 1/2.6 of the rate above, slanted triangular.

    The paper unfreezes all of 4 layer groups. Here it ends at the last 6 blocks: the next one would learn at
    1/800 of the head's rate.
    """
    blocks = _fine_tuned_blocks(facts)
    fine_tune = Phase(
        "gradual",
        epochs=blocks + AFTER_UNFREEZING,
        unfreeze=tuple(Unfreezing(epoch, f"{epoch + 1} blocks") for epoch in range(blocks)),
        learning_rate=1e-3 / 2.6,
        head_learning_rate=1e-3,
        learning_rate_decay=1 / 2.6,
        weight_decay=0.05,
        label_smoothing=0.1,
        schedule="slanted_triangular",
        gradient_clip=1.0,
        keep="last",
        solver="gradient",
    )
    return _head(), fine_tune


def _lpft(facts: Facts) -> tuple[Phase, ...]:
    """LP-FT (Kumar et al. 2022): from the solved head, everything at one small rate, so that features bend little."""
    del facts
    fine_tune = _fine_tune("all blocks", "all", decay=1.0)
    return _head(), replace(fine_tune, learning_rate=3e-5, label_smoothing=0.0)


def _fine_tuned_blocks(facts: Facts) -> int:
    """The first block always stays, so that there is something to compute once."""
    below = FINE_TUNED_BLOCKS if facts.blocks is None else max(facts.blocks - 1, 1)
    return min(FINE_TUNED_BLOCKS, below)


def _full(facts: Facts) -> tuple[Phase, ...]:
    del facts
    return _head(), _fine_tune("all blocks", "all", decay=0.8)


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


def _head() -> Phase:
    """Solved where it is linear; these epochs are for a head that is not."""
    return Phase(
        "head", epochs=20, unfreeze="none", weight_decay=1e-4, schedule="cosine", early_stopping_patience=5
    )


def _fine_tune(name: str, unfreeze: str, *, decay: float) -> Phase:
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
