"""Phase: one stretch of training, as a value that needs no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from tfxfer.errors import UsageError
from tfxfer.network.policy import FreezePolicy

BatchNorm = Literal["frozen", "learn"]
Schedule = Literal["constant", "cosine", "linear"]
Solver = Literal["auto", "gradient", "lbfgs"]
MonitorMode = Literal["auto", "min", "max"]
Keep = Literal["best", "last"]
OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "lamb", "lion", "nadam", "rmsprop", "sgd"
]

CHOICES: dict[str, tuple[str, ...]] = {
    "batch_norm": get_args(BatchNorm),
    "optimizer": get_args(OptimizerName),
    "schedule": get_args(Schedule),
    "monitor_mode": get_args(MonitorMode),
    "keep": get_args(Keep),
    "solver": get_args(Solver),
}
COUNTS = {"epochs": 1, "warmup_steps": 0, "early_stopping_patience": 1, "batch_size": 1}  # key -> smallest
RATES = {"learning_rate": math.inf, "head_learning_rate": math.inf, "learning_rate_decay": 1.0,
         "gradient_clip": math.inf}  # key -> largest, 0 excluded  # fmt: skip
SHARES = ("weight_decay", "label_smoothing", "ema_momentum")  # 0 or more, below 1
OPTIONAL = ("head_learning_rate", "gradient_clip", "ema_momentum", "early_stopping_patience", "batch_size")


@dataclass(frozen=True, slots=True)
class Phase:
    """What learns, how fast and for how long; every field has a default but the name.

    Without `unfreeze`, what is frozen now stays frozen; of a model that nobody has frozen the head alone learns.
    Rates: `learning_rate` is the rate of the block next to the head; the block `d` blocks further from the
    head learns at `learning_rate * learning_rate_decay**d`; the head at `head_learning_rate`, or where that
    is None at `learning_rate`. Momenta and epsilons of the optimizer are Keras's defaults.

    Raises:
        UsageError: a value that cannot be meant.
    """

    name: str
    epochs: int = 5
    unfreeze: str | None = (
        None  # "none" (the head), "all", "3 blocks", "30%", "from NAME"; None: what `freeze` set
    )
    learning_rate: float = 1e-3
    head_learning_rate: float | None = None
    learning_rate_decay: float = 1.0  # per block, above 0 and at most 1
    batch_norm: BatchNorm = "frozen"
    optimizer: OptimizerName = "adamw"
    weight_decay: float = 0.0  # decoupled; never on biases, norms and other vectors
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    label_smoothing: float = 0.0
    gradient_clip: float | None = None  # largest norm of all gradients together
    ema_momentum: float | None = None  # a moving average of the weights is validated and kept instead of them
    early_stopping_patience: int | None = None  # epochs without progress; None: never stop early
    monitor: str | None = None  # None: "val_accuracy" where there is one, else "val_loss"
    monitor_mode: MonitorMode = "auto"
    keep: Keep = "best"  # "last": the latest epoch that monitors no worse than the state before the phase
    solver: Solver = "auto"  # "auto" solves a linear head on cached features, and iterates everything else
    batch_size: int | None = None  # of arrays, None: 32; a tf.data.Dataset keeps its own batches

    def __post_init__(self) -> None:
        values = asdict(self)
        if not self.name:
            raise _refusal(values, "name", "a name that is not empty")
        _check_choices(values)
        _check_numbers(
            {key: value for key, value in values.items() if not (key in OPTIONAL and value is None)},
            self.name,
        )
        FreezePolicy("none" if self.unfreeze is None else self.unfreeze)
        if self.solver == "lbfgs" and (self.unfreeze not in (None, "none") or self.label_smoothing):
            raise _refusal(
                values,
                "solver",
                "'gradient' or 'auto' where more than the head learns or labels are smoothed",
            )


def _check_choices(values: Mapping[str, object]) -> None:
    for key, allowed in CHOICES.items():
        if values[key] not in allowed:
            raise _refusal(values, key, f"one of {', '.join(allowed)}")


def _check_numbers(values: Mapping[str, object], name: str) -> None:
    values = {**values, "name": name}
    for key in COUNTS.keys() & values.keys():
        value, smallest = values[key], COUNTS[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise _refusal(values, key, f"a whole number of at least {smallest}")
    for key in RATES.keys() & values.keys():
        if not 0.0 < _number(values, key) <= RATES[key]:
            raise _refusal(
                values, key, "above 0" + (f" and at most {RATES[key]:g}" if RATES[key] < math.inf else "")
            )
    for key in values.keys() & set(SHARES):
        if not 0.0 <= _number(values, key) < 1.0:
            raise _refusal(values, key, "0 or more, and below 1")


def _number(values: Mapping[str, object], key: str) -> float:
    value = values[key]
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _refusal(values, key, "a finite number")
    return float(value)


def _refusal(values: Mapping[str, object], key: str, expected: str) -> UsageError:
    return UsageError(
        f"'{key}' of phase '{values['name']}' must be {expected}. Received: {values[key]!r}. Change '{key}'."
    )
