"""The classic mistakes of transfer learning, each with the figure that makes it one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tfxfer.catalogue.schedules import SCHEDULES

if TYPE_CHECKING:
    from tfxfer.training.phase import Phase

FAST_RATE = 1e-3  # of a pretrained backbone: above it, features are forgotten faster than learnt
FEW_FOR_ALL = 100  # images a class under which unfreezing everything mostly overfits
SMALL_BATCH = 16  # images; below it the statistics of a batch are mostly noise (Wu & He 2018, figure 1)
USUAL_BATCH = 32  # where a phase does not say
SAFE_EPOCHS = 10  # few enough for any data


def phase_warnings(phases: Sequence[Phase], smallest_class: int, *, pretrained: bool) -> Iterator[str]:
    """What is likely to be a mistake; `smallest_class` counts training images."""
    for phase in phases:
        if all(answer == "none" for answer in phase.unfreezings):
            continue
        if pretrained:
            yield from _of_transfer(phase, smallest_class)
        yield from _of_any(phase, smallest_class)


def _of_transfer(phase: Phase, smallest_class: int) -> Iterator[str]:
    fastest = _fastest_backbone_rate(phase)
    if fastest > FAST_RATE:
        yield (
            f"phase '{phase.name}': the backbone learns at {fastest:g}, above {FAST_RATE:g}: "
            "it may forget what it was pretrained on."
        )
    if "all" in phase.unfreezings and smallest_class < FEW_FOR_ALL:
        yield (
            f"phase '{phase.name}' unfreezes everything with {smallest_class} training images in the smallest "
            f"class, under {FEW_FOR_ALL}: it may overfit. Try unfreeze: 3 blocks."
        )
    if phase.warmup_steps == 0 and not SCHEDULES[phase.schedule].rises:
        yield f"phase '{phase.name}' fine-tunes without warm-up: the first steps may undo the pretraining."


def _of_any(phase: Phase, smallest_class: int) -> Iterator[str]:
    batch = USUAL_BATCH if phase.batch_size is None else phase.batch_size
    if phase.batch_norm == "learn" and batch < SMALL_BATCH:
        yield (
            f"phase '{phase.name}': BatchNorm learns from batches of {batch}, under {SMALL_BATCH} images: its "
            "statistics will mostly be noise. Use larger batches, or batch_norm: frozen. gradient_accumulation does "
            "not help."
        )
    if phase.epochs > max(SAFE_EPOCHS, smallest_class) and phase.early_stopping_patience is None:
        yield (
            f"phase '{phase.name}' runs {phase.epochs} epochs over a smallest class of {smallest_class} training "
            "images, and nothing stops it early: more than these data can bear. Set early_stopping_patience."
        )


def _fastest_backbone_rate(phase: Phase) -> float:
    named = [rate for key, rate in phase.learning_rates.items() if key != "head"]
    return max(named) if "*" in phase.learning_rates else max(phase.learning_rate, *named, 0.0)
