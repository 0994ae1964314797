"""Reduce on plateau: the lead's rate falls when validation has stopped gaining."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from tfxfer.catalogue.schedules import schedule_options
from tfxfer.training.best import Best
from tfxfer.training.phase import Phase


class Plateau:
    """Counts epochs without progress; `factor` is what the rates have been multiplied with so far."""

    def __init__(self, phase: Phase, factor: float = 1.0) -> None:
        self._options = schedule_options("plateau", phase.schedule_options)
        self._last_fall = 0
        self.factor = factor

    def after(self, epoch: int, best: Best, lead: keras.optimizers.Optimizer) -> None:
        """Lower the lead's rate, which every group follows, where patience is at its end."""
        if epoch - max(best.last_progress, self._last_fall) < self._options["patience"]:
            return
        lowered = max(self.factor * self._options["factor"], self._options["smallest_factor"])
        rate = float(keras.ops.convert_to_numpy(lead.learning_rate))
        lead.learning_rate.assign(rate * lowered / self.factor)
        self.factor, self._last_fall = lowered, epoch

    def as_state(self) -> dict[str, Any]:
        """What `take_state` makes the same of."""
        return {"last_fall": self._last_fall, "factor": self.factor}

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Become what `as_state` told."""
        self._last_fall, self.factor = state["last_fall"], state["factor"]
