"""The best state of a phase; the state before the phase is a candidate like any other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tfxfer.training.choices import Keep
from tfxfer.training.history import History
from tfxfer.training.metrics import Logs, direction
from tfxfer.training.phase import Phase
from tfxfer.training.snapshot import Arrays, Snapshot, numbered

Score = tuple[float, float]


class Best:
    """Remembers the weights of the epoch that validates best, among epochs 0 (before the phase), 1, 2, ...

    `beside` are variables that belong to those weights and come back with them: the optimizers' state.

    With `keep` "last" it is the latest epoch that monitors no worse than epoch 0: where a schedule ends calmly,
    a choice among its epochs by a few validation images is a choice by chance. Where the state before is not
    `judged`, which another Best does, it is a candidate only as long as there is no other.
    """

    def __init__(
        self,
        model: keras.Model,
        monitor: str,
        mode: str,
        *,
        keep: Keep = "best",
        judged: bool = True,
        beside: Sequence[keras.Variable] = (),
    ) -> None:
        self._model = model
        self._beside = tuple(beside)
        self._keep = keep
        self._judged = judged
        self._before = -math.inf
        self._monitor = monitor
        self._sign = -1.0 if direction(monitor, mode) == "min" else 1.0
        self._score: Score = (-math.inf, -math.inf)
        self._progress: Score = (-math.inf, -math.inf)
        self._weights, self._state = self._now()
        self.epoch = 0
        self.logs: Logs = {}  # of that epoch
        self.last_progress = 0

    def offer(self, epoch: int, logs: Logs) -> None:
        """Take the model's weights as they are, if they are the better ones; ties go to the lower loss."""
        score = self._score_of(logs)
        if epoch > 0 and score > self._progress:
            # Against this phase's own epochs: fine-tuning often falls below where it started before it rises above.
            self._progress, self.last_progress = score, epoch
        if epoch == 0:
            self.logs = dict(logs)
            if not self._judged:
                return
            self._before = score[0]
        if score > self._score or (self._keep == "last" and epoch > 0 and score[0] >= self._before):
            self._score, self.epoch, self.logs = score, epoch, dict(logs)
            self._weights, self._state = self._now()

    def restore(self) -> None:
        """Give the model its best weights, and what is beside them their state of then."""
        self._model.set_weights(self._weights)
        for variable, value in zip(self._beside, self._state, strict=True):
            variable.assign(value)

    def as_state(self) -> tuple[dict[str, Any], Arrays]:
        """Facts and arrays that `take_state` makes the same candidate of."""
        facts = {
            "before": self._before,
            "score": self._score,
            "progress": self._progress,
            "epoch": self.epoch,
            "logs": self.logs,
            "last_progress": self.last_progress,
        }
        return facts, numbered("weights", self._weights) | numbered("beside", self._state)

    def take_state(self, facts: Mapping[str, Any], arrays: Arrays) -> None:
        """Become what `as_state` told."""
        self._before, self.epoch, self.logs = facts["before"], facts["epoch"], dict(facts["logs"])
        self._score, self._progress = tuple(facts["score"]), tuple(facts["progress"])
        self.last_progress = facts["last_progress"]
        kept = Snapshot(arrays, {})
        self._weights, self._state = kept.under("weights"), kept.under("beside")

    def _now(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self._model.get_weights(), [keras.ops.convert_to_numpy(variable) for variable in self._beside]

    def _score_of(self, logs: Logs) -> Score:
        value, loss = self._sign * logs[self._monitor], -logs["val_loss"]
        return tuple(part if math.isfinite(part) else -math.inf for part in (value, loss))  # type: ignore[return-value]


def gained(phase: Phase, came: Logs, history: History) -> bool:
    """Whether the state that a phase kept monitors no worse than the one that came before it."""
    value, before = history.kept[history.monitor], came[history.monitor]
    worse = value > before if direction(history.monitor, phase.monitor_mode) == "min" else value < before
    return not worse
