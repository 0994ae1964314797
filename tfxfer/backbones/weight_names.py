"""One stable name for each weight of a flat model: its layer's name, then its own."""

from __future__ import annotations

import re
from typing import Any

import keras

UNNAMED = re.compile(r"(^|/)variable_\d+$")


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Name -> variable for every weight, statistics included, in the order of the model's layers."""
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for layer in model.layers:
        for weight in layer.weights:
            if id(weight) in seen:
                continue
            seen.add(id(weight))
            named[_free(f"{layer.name}/{_within(layer.name, weight)}", named)] = weight
    return named


def _within(layer: str, weight: Any) -> str:
    """The weight's path below its layer; what lies above depends on how the model was built.

    A weight that its layer gave no name is called "variable" with a number that counts all such weights of the
    process; the number is left out, since another process would count otherwise.
    """
    _, found, inner = f"/{weight.path}".rpartition(f"/{layer}/")
    return UNNAMED.sub(r"\1variable", inner if found else weight.name)


def _free(name: str, taken: dict[str, Any]) -> str:
    if name not in taken:
        return name
    number = 1
    while f"{name}:{number}" in taken:
        number += 1
    return f"{name}:{number}"
