"""The named choices of a phase."""

from __future__ import annotations

from typing import Literal, get_args

BatchNorm = Literal["frozen", "learn", "reestimate"]
Schedule = Literal[
    "constant", "cosine", "linear", "step", "exponential", "slanted_triangular", "one_cycle", "plateau"
]
Solver = Literal["auto", "gradient", "lbfgs"]
MonitorMode = Literal["auto", "min", "max"]
Keep = Literal["best", "last"]
ComputeDtype = Literal["float32", "float16", "bfloat16"]
MixedPrecision = bool | Literal["auto", "float16", "bfloat16"]
MIXED_PRECISIONS = ("auto", True, False, "float16", "bfloat16")
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
