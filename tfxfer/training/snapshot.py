"""Snapshot: state as named arrays and plain facts, so that it can be written down and given back to the byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfxfer.errors import TrainingError

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Arrays by name, and what is not an array as JSON values."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    def under(self, prefix: str) -> list[np.ndarray]:
        """The arrays that `numbered` named with this prefix, in their order."""
        count = sum(1 for name in self.arrays if name.startswith(f"{prefix}/"))
        return [self.arrays[f"{prefix}/{number}"] for number in range(count)]

    def within(self, prefix: str) -> Arrays:
        """The arrays whose names `prefixed` began with this prefix, without it."""
        return {
            name.removeprefix(f"{prefix}/"): value
            for name, value in self.arrays.items()
            if name.startswith(f"{prefix}/")
        }


def prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The same arrays under `prefix`, from where `Snapshot.within` gets them."""
    return {f"{prefix}/{name}": value for name, value in arrays.items()}


def numbered(prefix: str, values: Sequence[np.ndarray]) -> Arrays:
    """Arrays under `prefix`, named by their place: layers' names depend on what a process made before."""
    return {f"{prefix}/{number}": value for number, value in enumerate(values)}


def values_of(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """What each variable holds now."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray], what: str) -> None:
    """Give each variable its value, to the byte; `what` is what messages call them.

    Raises:
        TrainingError: other numbers, shapes or dtypes than the variables have.
    """
    known = [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
    found = [(value.shape, str(value.dtype)) for value in values]
    if known != found:
        raise TrainingError(
            f"a checkpoint's {what} must be those of this training: {len(known)} arrays. "
            f"Received: {_difference(known, found)}. Delete the checkpoints, or choose another folder."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _difference(known: Sequence[object], found: Sequence[object]) -> str:
    if len(known) != len(found):
        return f"{len(found)} arrays"
    place = next(place for place in range(len(known)) if known[place] != found[place])
    return f"{found[place]} for {known[place]} at place {place}"
