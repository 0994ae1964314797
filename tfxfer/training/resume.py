"""What of a running phase goes into a checkpoint, and comes back out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import keras
import numpy as np

from tfxfer.errors import TrainingError
from tfxfer.training.best import Best
from tfxfer.training.loss_scale import LossScale
from tfxfer.training.plateau import Plateau
from tfxfer.training.snapshot import Arrays, Snapshot, assign, numbered, prefixed, values_of
from tfxfer.training.trained import Trained

PLAIN = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a phase: the epoch that is under way, and how much of it is done."""

    epoch: int = 1
    batches: int = 0  # 0: the epoch has not begun
    examples: int = 0
    total: float = 0.0  # sum of the examples' losses
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"epoch {self.epoch}, " + (f"batch {self.batches}" if self.batches else "its start")


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """Everything that changes while a phase runs. The order of examples follows from seed and epoch alone."""

    model: keras.Model
    weights: keras.Model  # the part that learns
    state: Sequence[keras.Variable]  # of every optimizer
    lead: keras.optimizers.Optimizer
    metrics: Sequence[keras.metrics.Metric]
    callbacks: Sequence[keras.callbacks.Callback]
    best: Best
    plateau: Plateau
    trained: Trained
    scale: LossScale | None = None  # of float16

    @property
    def groups(self) -> dict[str, list[keras.Variable]]:
        """Every variable that changes, under the name it has in a checkpoint."""
        learning = list(self.weights.variables)
        known = {id(variable) for variable in learning}
        others = [v for v in self.model.variables if v.name == "seed_generator_state" and id(v) not in known]
        metrics = [variable for metric in self.metrics for variable in metric.variables]
        return {
            "weights": learning,
            "random": others,
            "optimizers": list(self.state),
            "lead": list(self.lead.variables),
            "metrics": metrics,
        }

    def snapshot(self, position: Position) -> Snapshot:
        """As it is now. Metrics are of the epoch under way."""
        arrays: Arrays = {}
        for name, variables in self.groups.items():
            arrays |= numbered(name, values_of(variables))
        best, kept = self.best.as_state()
        arrays |= prefixed("best", kept)
        callbacks = []
        for number, callback in enumerate(self.callbacks):
            plain, lists = _state_of(callback)
            callbacks.append(plain)
            for name, values in lists.items():
                arrays |= numbered(f"callback{number}/{name}", values)
        facts = {
            "position": asdict(position),
            "best": best,
            "plateau": self.plateau.as_state(),
            "trained": asdict(self.trained),
            "callbacks": callbacks,
            "scale": None if self.scale is None else self.scale.as_state(),
        }
        return Snapshot(arrays, facts)

    def restore(self, found: Snapshot) -> Position:
        """Become what was taken, to the byte; where that was.

        Raises:
            TrainingError: the checkpoint is of another model or phase.
        """
        for name, variables in self.groups.items():
            assign(variables, found.under(name), name)
        facts = found.facts
        if len(facts["callbacks"]) != len(self.callbacks):
            raise TrainingError(
                "a training goes on with the callbacks that it had, in their order. Received: "
                f"{len(self.callbacks)} of them, and {len(facts['callbacks'])} in the checkpoint. Give the same, or "
                "delete the checkpoints."
            )
        self.best.take_state(facts["best"], found.within("best"))
        self.plateau.take_state(facts["plateau"])
        if self.scale is not None:
            self.scale.take_state(facts["scale"])
        for entry in fields(Trained):
            setattr(self.trained, entry.name, facts["trained"][entry.name])
        for number, (callback, plain) in enumerate(zip(self.callbacks, facts["callbacks"], strict=True)):
            vars(callback).update(plain)
            for name, values in _lists(found, f"callback{number}"):
                vars(callback)[name] = values
        return Position(**facts["position"])


def _state_of(callback: keras.callbacks.Callback) -> tuple[dict[str, Any], Mapping[str, list[np.ndarray]]]:
    """What a callback remembers, as far as it is numbers, text, or lists of arrays (an EarlyStopping's weights)."""
    own = {name: value for name, value in vars(callback).items() if name not in ("_model", "params")}
    plain: dict[str, Any] = {}
    lists: dict[str, list[np.ndarray]] = {}
    for name, value in own.items():
        if value is None or isinstance(value, PLAIN):
            plain[name] = value
        elif isinstance(value, np.generic):
            plain[name] = value.item()
        elif isinstance(value, list) and value and all(isinstance(part, np.ndarray) for part in value):
            lists[name] = value
    return plain, lists


def _lists(found: Snapshot, prefix: str) -> Iterator[tuple[str, list[np.ndarray]]]:
    names = dict.fromkeys(name.split("/")[1] for name in found.arrays if name.startswith(f"{prefix}/"))
    for name in names:
        yield name, found.under(f"{prefix}/{name}")
