"""What sits on a backbone: pooling, dropout, hidden layers, logits; no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tfxfer.catalogue.decoding import Decoding
from tfxfer.catalogue.tasks import TASK_NAMES, TaskName
from tfxfer.errors import ConfigError
from tfxfer.runtimes.outputs import Outputs

Pooling = Literal["avg", "max"]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a network.

    Raises:
        ConfigError: a value is out of its range.
    """

    hidden: tuple[int, ...] = ()  # units of each hidden layer, ReLU after it
    dropout: float = 0.2  # share of the values dropped before each layer with weights, 0 <= dropout < 1
    pooling: Pooling = "avg"
    task: TaskName = "classification"
    scale: tuple[float, ...] = ()  # of a regression, per label: values = logits * scale + offset
    offset: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if any(not isinstance(units, int) or units < 1 for units in self.hidden):
            raise ConfigError(f"head.hidden must hold positive whole numbers. Received: {self.hidden!r}.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"head.dropout must be at least 0 and less than 1. Received: {self.dropout!r}.")
        if self.pooling not in ("avg", "max"):
            raise ConfigError(f"head.pooling must be 'avg' or 'max'. Received: {self.pooling!r}.")
        if self.task not in TASK_NAMES:
            raise ConfigError(f"head.task must be one of {', '.join(TASK_NAMES)}. Received: {self.task!r}.")
        _check_unit(self.task, self.scale, self.offset)

    def decode(self, logits: np.ndarray) -> Outputs:
        """What logits (N, labels) say: probabilities, or the values of a regression."""
        return Outputs(self.decoding(logits), logits)

    @property
    def decoding(self) -> Decoding:
        """How its logits are read."""
        return Decoding(self.task, self.scale, self.offset)


def _check_unit(task: TaskName, scale: tuple[float, ...], offset: tuple[float, ...]) -> None:
    if task != "regression" and (scale or offset):
        raise ConfigError(f"scale and offset are for a regression. Received: task {task!r}. Leave them out.")
    if task == "regression" and not (
        len(scale) == len(offset) > 0
        and all(0 < number < float("inf") for number in scale)
        and all(abs(number) < float("inf") for number in offset)
    ):
        raise ConfigError(
            "a regression needs one scale above 0 and one offset per label: the standard deviation and the mean "
            f"of the training targets. Received: scale {list(scale)}, offset {list(offset)}."
        )
