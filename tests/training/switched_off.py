"""A pytest plugin that switches one choice of training off, as if it were never made, before any test is imported.

    SWITCHED_OFF="phase l2_sp" python -m pytest -p tests.training.switched_off tests/training/test_l2_sp.py

The tests in PROVED_BY (test_switches.py) must fail then: they see what the choice does, and not only that it is taken.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from tfxfer.catalogue.augmentation import CHANGES, Augment
from tfxfer.network.head import Head
from tfxfer.recipes import plan
from tfxfer.recipes.facts import Facts, Plan
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.phase import Phase

CLASSES: Mapping[str, type] = {"phase": Phase, "imbalance": Imbalance, "head": Head}
Values = dict[str, Any]


def switch_off(choice: str) -> None:
    """Switch off `phase FIELD`, `imbalance FIELD`, `head FIELD`, `augment CHANGE`, `preset NAME`, `recipe NAME`, or
    one value of a field of Phase (`schedule cosine`)."""
    kind, name = choice.split()
    if kind == "recipe":
        _without_recipe(name)
    elif kind == "preset":
        _without(Augment, "preset", lambda value: value == name, "none")
    elif kind == "augment":
        off = CHANGES[name].off if name in CHANGES else _default(Augment, name)
        _without(Augment, name, lambda value: value is not None, off)
    elif kind in CLASSES:
        off = 0.0 if choice == "head dropout" else _default(CLASSES[kind], name)
        _without(CLASSES[kind], name, lambda value: True, off)
    else:
        _without(Phase, kind, lambda value: value == name, _default(Phase, kind))


def _without(cls: Any, field: str, applies: Callable[[Any], bool], off: Any) -> None:
    """Make `cls` with the value `off` wherever `field` is given one to which it applies."""
    original = cls.__init__
    signature = inspect.signature(original)

    def made(*positional: Any, **named: Any) -> None:
        bound = signature.bind(*positional, **named)
        if field in bound.arguments and applies(bound.arguments[field]):
            bound.arguments[field] = off
            if field == "schedule":
                bound.arguments.pop("schedule_options", None)  # those of another schedule
        original(*bound.args, **bound.kwargs)

    cls.__init__ = made


def _default(cls: Any, field: str) -> Any:
    empty = cls("x") if cls is Phase else cls()
    return getattr(empty, field)


def _without_recipe(name: str) -> None:
    """The recipe becomes `feature_extraction`, and that one `full`."""
    other = plan.PHASES["full" if name == "feature_extraction" else "feature_extraction"]

    def chosen(facts: Facts) -> Plan:
        return Plan("feature_extraction", other(facts), "auto is switched off")

    if name == "auto":
        plan.choose = chosen
    else:
        plan.PHASES[name] = other


if "SWITCHED_OFF" in os.environ:
    switch_off(os.environ["SWITCHED_OFF"])
