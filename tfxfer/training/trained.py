"""Trained: what comes of a phase, growing while it runs."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from tfxfer.training.metrics import Logs


@dataclass(slots=True, eq=False)
class Trained:
    """What came of it; grows while the loop runs."""

    before: Logs = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    epoch_seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0
    monitor: str = "val_loss"

    @property
    def seconds_per_epoch(self) -> float:
        """Median without the first epoch, which traces the graphs; the first where it is the only one."""
        return statistics.median(self.epoch_seconds[1:] or self.epoch_seconds)

    def add(self, logs: Logs, seconds: float) -> None:
        """One epoch more."""
        self.epoch_seconds.append(seconds)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
