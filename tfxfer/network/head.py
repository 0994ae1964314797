"""What sits on a backbone: pooling, dropout, hidden layers, logits; no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfxfer.errors import ConfigError

Pooling = Literal["avg", "max"]
Task = Literal["classification"]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a network.

    Raises:
        ConfigError: a value is out of its range.
    """

    hidden: tuple[int, ...] = ()  # units of each hidden layer, ReLU after it
    dropout: float = 0.2  # share of the values dropped before each layer with weights, 0 <= dropout < 1
    pooling: Pooling = "avg"
    task: Task = "classification"

    def __post_init__(self) -> None:
        if any(not isinstance(units, int) or units < 1 for units in self.hidden):
            raise ConfigError(f"head.hidden must hold positive whole numbers. Received: {self.hidden!r}.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"head.dropout must be at least 0 and less than 1. Received: {self.dropout!r}.")
        if self.pooling not in ("avg", "max"):
            raise ConfigError(f"head.pooling must be 'avg' or 'max'. Received: {self.pooling!r}.")
        if self.task != "classification":
            raise ConfigError(f"head.task must be 'classification'. Received: {self.task!r}.")
