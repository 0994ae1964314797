"""What a phase can mean: each value by itself, and the values together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from tfxfer.catalogue.augmentation import PRESETS, Augment
from tfxfer.catalogue.schedules import schedule_problem
from tfxfer.errors import UsageError
from tfxfer.network.policy import parse_unfreeze
from tfxfer.training.choices import CHOICES, MIXED_PRECISIONS
from tfxfer.training.imbalance import Imbalance

if TYPE_CHECKING:
    from tfxfer.training.phase import Phase

COUNTS = {  # key -> smallest
    "epochs": 1,
    "warmup_steps": 0,
    "early_stopping_patience": 1,
    "batch_size": 1,
    "gradient_accumulation": 1,
}
RATES = {"learning_rate": math.inf, "head_learning_rate": math.inf, "learning_rate_decay": 1.0,
         "gradient_clip": math.inf}  # key -> largest, 0 excluded  # fmt: skip
SHARES = ("weight_decay", "label_smoothing", "ema_momentum")  # 0 or more, below 1
OPTIONAL = ("head_learning_rate", "gradient_clip", "ema_momentum", "early_stopping_patience", "batch_size")


def check_phase(phase: Phase) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: a value, or two values together.
        ConfigError: `unfreeze` is no sentence of its language.
    """
    values = {field.name: getattr(phase, field.name) for field in fields(phase)}
    if not phase.name:
        raise _refusal(values, "name", "a name that is not empty")
    _check_choices(values)
    _check_numbers(values)
    if not isinstance(phase.imbalance, Imbalance):
        raise _refusal(values, "imbalance", "an Imbalance")
    wanted = values["mixed_precision"]
    if not isinstance(wanted, str | bool) or wanted not in MIXED_PRECISIONS:
        raise _refusal(values, "mixed_precision", "'auto', True, False, 'float16' or 'bfloat16'")
    _check_learning_rates(values)
    _check_unfreeze(values)
    _check_augment(values)
    if not isinstance(phase.schedule_options, Mapping):
        raise _refusal(values, "schedule_options", "a mapping of names to numbers")
    problem = schedule_problem(phase.schedule, phase.schedule_options, phase.warmup_steps)
    if problem is not None:
        raise _refusal(values, *problem)
    if phase.solver == "lbfgs" and (phase.unfreeze not in (None, "none") or phase.label_smoothing):
        raise _refusal(
            values, "solver", "'gradient' or 'auto' where more than the head learns or labels are smoothed"
        )


def _check_choices(values: Mapping[str, object]) -> None:
    for key, allowed in CHOICES.items():
        if values[key] not in allowed:
            raise _refusal(values, key, f"one of {', '.join(allowed)}")


def _check_numbers(values: Mapping[str, object]) -> None:
    given = {key for key, value in values.items() if not (key in OPTIONAL and value is None)}
    for key in COUNTS.keys() & given:
        value, smallest = values[key], COUNTS[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
            raise _refusal(values, key, f"a whole number of at least {smallest}")
    for key in RATES.keys() & given:
        if not 0.0 < _number(values, key) <= RATES[key]:
            raise _refusal(
                values, key, "above 0" + (f" and at most {RATES[key]:g}" if RATES[key] < math.inf else "")
            )
    if _number(values, "l2_sp") < 0.0:
        raise _refusal(values, "l2_sp", "0 or more")
    for key in given & set(SHARES):
        if not 0.0 <= _number(values, key) < 1.0:
            raise _refusal(values, key, "0 or more, and below 1")


def _check_learning_rates(values: Mapping[str, object]) -> None:
    rates = values["learning_rates"]
    if not isinstance(rates, Mapping):
        raise _refusal(values, "learning_rates", "a mapping of names or patterns to rates")
    for value in rates.values():
        if not _finite(value) or value <= 0:
            raise _refusal(values, "learning_rates", "rates above 0")
    if rates and values["learning_rate_decay"] != 1.0:
        raise _refusal(values, "learning_rate_decay", "1 beside learning_rates, which say every block's rate")
    if "head" in rates and values["head_learning_rate"] is not None:
        raise _refusal(values, "head_learning_rate", "left out beside learning_rates with the key 'head'")


def _check_unfreeze(values: Mapping[str, object]) -> None:
    unfreeze = values["unfreeze"]
    if unfreeze is None or isinstance(unfreeze, str):
        parse_unfreeze("none" if unfreeze is None else unfreeze)
        return
    expected = "text, or lines (epoch, unfreeze) from epoch 0 on, each later than the last, within the phase"
    if not isinstance(unfreeze, Sequence) or not all(
        isinstance(line, Sequence) and len(line) == 2 for line in unfreeze
    ):
        raise _refusal(values, "unfreeze", expected)
    for _, text in unfreeze:
        parse_unfreeze(text)
    epochs = [epoch for epoch, _ in unfreeze]
    whole = all(isinstance(epoch, int) and not isinstance(epoch, bool) for epoch in epochs)
    if (
        not whole
        or epochs[:1] != [0]
        or sorted(set(epochs)) != epochs
        or epochs[-1] >= _number(values, "epochs")
    ):
        raise _refusal(values, "unfreeze", expected)


def _check_augment(values: Mapping[str, object]) -> None:
    augment, imbalance = values["augment"], values["imbalance"]
    if isinstance(augment, str) and augment in PRESETS:
        augment = Augment(augment)  # type: ignore[arg-type]
    if not isinstance(augment, Augment):
        raise _refusal(values, "augment", f"an Augment, or one of {', '.join(PRESETS)}")
    if values["solver"] == "lbfgs" and not augment.keepable:
        raise _refusal(
            values, "solver", "'gradient' or 'auto' beside augment without views, which keeps no features"
        )
    assert isinstance(imbalance, Imbalance)
    if augment.mixes and imbalance.focal_gamma is not None:
        raise _refusal(
            values, "augment", "without mixup and cutmix beside a focal loss, which needs whole labels"
        )


def _number(values: Mapping[str, object], key: str) -> float:
    value = values[key]
    if not _finite(value):
        raise _refusal(values, key, "a finite number")
    return float(value)  # type: ignore[arg-type]


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refusal(values: Mapping[str, object], key: str, expected: str) -> UsageError:
    return UsageError(
        f"'{key}' of phase '{values['name']}' must be {expected}. Received: {values[key]!r}. Change '{key}'."
    )
