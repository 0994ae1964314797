"""The names of the schedules, what each does in one line, and its options with their defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Option:
    """One number that a schedule can be given."""

    default: float
    smallest: float
    largest: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """What is taken, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.smallest:g} to {self.largest:g}"

    def takes(self, value: object) -> bool:
        """Whether `value` is one."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return self.smallest <= value <= self.largest and not (self.whole and value != int(value))


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """One schedule."""

    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
    rises: bool = False  # begins low by itself, so that a warm-up would be a second one
    needs_length: bool = True  # must know how many steps an epoch has


SCHEDULES: Mapping[str, ScheduleFacts] = {
    "constant": ScheduleFacts("the rates stay", needs_length=False),
    "cosine": ScheduleFacts("half a cosine down to 0 (Loshchilov & Hutter 2017)"),
    "linear": ScheduleFacts("a straight line down to 0"),
    "step": ScheduleFacts(
        "times `factor` after every `every_epochs` epochs",
        {"every_epochs": Option(3, 1, 100_000, whole=True), "factor": Option(0.1, 1e-6, 1)},
    ),
    "exponential": ScheduleFacts(
        "times `factor` in the course of every epoch", {"factor": Option(0.9, 1e-6, 1)}
    ),
    "slanted_triangular": ScheduleFacts(
        "up from 1/`ratio` for `cut_fraction` of the steps, then down again (Howard & Ruder 2018)",
        {"cut_fraction": Option(0.1, 1e-6, 0.999), "ratio": Option(32, 1, 1e6)},
        rises=True,
    ),
    "one_cycle": ScheduleFacts(
        "up from 1/`start_divisor` for `peak_fraction` of the steps, then down to 1/(`start_divisor` * "
        "`end_divisor`), in half cosines; momentum stays (Smith & Topin 2018)",
        {
            "peak_fraction": Option(0.3, 1e-6, 0.999),
            "start_divisor": Option(25, 1, 1e6),
            "end_divisor": Option(1e4, 1, 1e9),
        },
        rises=True,
    ),
    "plateau": ScheduleFacts(
        "times `factor` after `patience` epochs without a better validation, down to `smallest_factor`",
        {
            "patience": Option(2, 1, 100_000, whole=True),
            "factor": Option(0.5, 1e-6, 0.999),
            "smallest_factor": Option(1e-3, 0, 1),
        },
        needs_length=False,
    ),
}


def schedule_options(schedule: str, given: Mapping[str, float]) -> dict[str, float]:
    """Every option of a schedule: what is given, and the defaults of the others."""
    return {
        name: float(given.get(name, option.default)) for name, option in SCHEDULES[schedule].options.items()
    }


def schedule_problem(schedule: str, given: Mapping[str, float], warmup_steps: int) -> tuple[str, str] | None:
    """(key, what was expected) of the first thing that does not fit `schedule`; None where all fits."""
    facts = SCHEDULES[schedule]
    for name, value in given.items():
        if name not in facts.options:
            known = f"one of {', '.join(facts.options)}" if facts.options else "left out: it has none"
            return "schedule_options", f"for schedule '{schedule}', {known}, not '{name}'"
        if not facts.options[name].takes(value) or not math.isfinite(value):
            return "schedule_options", f"{facts.options[name].expected} in '{name}' of schedule '{schedule}'"
    if facts.rises and warmup_steps:
        return "warmup_steps", f"0 with schedule '{schedule}', which begins low by itself"
    return None
