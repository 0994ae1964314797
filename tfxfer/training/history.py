"""History: what one phase did, as a value that goes into the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class History:
    """One phase, finished. Its weights are those of `best_epoch`; 0 is the state before the phase."""

    phase: str
    epochs: int  # run, which early stopping may make fewer than asked for
    seconds: float  # of training and validation, features apart
    seconds_per_epoch: float  # wall clock of an epoch with its validation, median without the first
    trainable_parameters: int
    unfrozen_blocks: tuple[str, ...]
    cached_boundary: str | None  # the tensor whose values were computed once; None: nothing was cached
    feature_engine: str | None
    feature_seconds: float
    learning_rates: dict[str, float]  # group -> rate before schedule and callbacks
    best_epoch: int
    history: dict[str, list[float]]  # metric -> one value per epoch
    solver: str  # "gradient" or "lbfgs"
    before: dict[str, float] = field(default_factory=dict)  # validation of the state before the phase
    monitor: str = "val_accuracy"
    precision: str = "float32"  # or mixed_float16, mixed_bfloat16: what was computed in while training
    features_computed: int = 0  # images, of both splits
    features_reused: int = 0  # that were computed before, in this run or another
    augment: str = "none"  # what was done to the training images
    why: tuple[str, ...] = ()  # choices made on the way, each with its reason
    moved: tuple[
        Mapping[str, Any], ...
    ] = ()  # {block, weights, features} of each block that moved (see Watch)

    @property
    def kept(self) -> dict[str, float]:
        """Metric -> value of the state that was kept."""
        if self.best_epoch == 0:
            return self.before
        return {name: values[self.best_epoch - 1] for name, values in self.history.items()}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> History:
        """From `dataclasses.asdict`, also after it was JSON."""
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part for name, part in value.items()
        }
        return cls(**parts)
