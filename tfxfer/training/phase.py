"""Phase: one stretch of training, as a value that needs no TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from tfxfer.errors import UsageError

BatchNorm = Literal["frozen", "learn"]
Schedule = Literal["constant", "cosine", "linear"]
Solver = Literal["auto", "gradient", "lbfgs"]
MonitorMode = Literal["auto", "min", "max"]
OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "lamb", "lion", "nadam", "rmsprop", "sgd"
]


@dataclass(frozen=True, slots=True)
class Phase:
    """What learns, how fast and for how long; every field has a default but the name.

    Rates: `learning_rate` is the rate of the block next to the head; the block `d` further from the head
    learns at `learning_rate * learning_rate_decay**d`; the head at `head_learning_rate`, or where that is
    None at `learning_rate`. The optimizer's own epsilon and momentum are Keras's defaults.

    Raises:
        UsageError: a value that cannot be meant.
    """

    name: str
    epochs: int = 5
    unfreeze: str = "none"  # "none" (the head only), "all", "3 blocks", "30%", "from NAME"
    learning_rate: float = 1e-3
    head_learning_rate: float | None = None
    learning_rate_decay: float = 1.0  # per block, in (0, 1]
    batch_norm: BatchNorm = "frozen"
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.0  # decoupled; never on biases, norms and other vectors
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    label_smoothing: float = 0.0
    gradient_clip: float | None = None  # largest norm of all gradients together
    ema_momentum: float | None = None  # a moving average of the weights is validated and kept instead of them
    early_stopping_patience: int | None = None  # epochs without a better state; None: never stop early
    monitor: str | None = None  # None: "val_accuracy" where there is one, else "val_loss"
    monitor_mode: MonitorMode = "auto"
    solver: Solver = "auto"  # "auto" solves a linear head on cached features, and iterates everything else
    batch_size: int | None = None  # None: the data set's own, and 32 for arrays

    def __post_init__(self) -> None:
        _check_choices(self)
        for key, smallest in (("epochs", 1), ("warmup_steps", 0)):
            _require_count(self, key, smallest)
        for key, smallest in (("early_stopping_patience", 1), ("batch_size", 1)):
            if getattr_field(self, key) is not None:
                _require_count(self, key, smallest)
        _check_numbers(self)
        if self.solver == "lbfgs" and (self.unfreeze != "none" or self.label_smoothing):
            raise _refusal(self, "solver", "'lbfgs' only where the head alone learns, without label smoothing",
                           "Use solver='gradient', or unfreeze='none' and label_smoothing=0.")  # fmt: skip


def getattr_field(phase: Phase, key: str) -> object:
    """The value of one of the dataclass's own fields, by name."""
    return getattr(phase, key)


def _check_choices(phase: Phase) -> None:
    if not phase.name:
        raise _refusal(phase, "name", "a name that is not empty", "Name the phase, for example 'head'.")
    choices = {
        "batch_norm": get_args(BatchNorm),
        "schedule": get_args(Schedule),
        "solver": get_args(Solver),
        "monitor_mode": get_args(MonitorMode),
        "optimizer": get_args(OptimizerName),
    }
    for key, allowed in choices.items():
        if getattr_field(phase, key) not in allowed:
            raise _refusal(phase, key, f"one of {', '.join(allowed)}", f"Set {key} to one of them.")


def _check_numbers(phase: Phase) -> None:
    limits: dict[str, tuple[float, float, str]] = {
        "learning_rate": (0.0, math.inf, "a rate above 0"),
        "head_learning_rate": (0.0, math.inf, "a rate above 0, or None"),
        "learning_rate_decay": (0.0, 1.0, "a factor per block above 0 and at most 1"),
        "gradient_clip": (0.0, math.inf, "a norm above 0, or None"),
    }
    for key, (low, high, expected) in limits.items():
        value = getattr_field(phase, key)
        if value is not None and not (_is_number(value) and low < float(str(value)) <= high):
            raise _refusal(phase, key, expected, f"Change {key}.")
    for key, expected in (
        ("weight_decay", "a decay of 0 or more, and below 1"),
        ("label_smoothing", "a share of 0 or more, and below 1"),
        ("ema_momentum", "a momentum of 0 or more, and below 1, or None"),
    ):
        value = getattr_field(phase, key)
        if value is not None and not (_is_number(value) and 0.0 <= float(str(value)) < 1.0):
            raise _refusal(phase, key, expected, f"Change {key}.")


def _require_count(phase: Phase, key: str, smallest: int) -> None:
    value = getattr_field(phase, key)
    if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
        raise _refusal(phase, key, f"a whole number of at least {smallest}", f"Change {key}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refusal(phase: Phase, key: str, expected: str, repair: str) -> UsageError:
    value = getattr_field(phase, key)
    return UsageError(f"'{key}' of phase '{phase.name}' must be {expected}. Received: {value!r}. {repair}")
