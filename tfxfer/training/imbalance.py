"""Imbalance: what is done about classes with few examples, as a value that needs no TensorFlow."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tfxfer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Weights, sampling and loss for classes of very different sizes; nothing is done unless asked for.

    `class_weights` multiply the weights of the training examples, never those of validation: "balanced" gives
    every class the same sum, `examples / (classes * examples of the class)`, and a mapping gives those it names
    their weight, by label, or of a plain Keras model by the class's number as text. `sampling` "balanced" draws
    every class equally often: an epoch stays as long as it is, shows each example of a class once before it shows
    any of them again, and each batch holds the classes in equal shares, give or take one. `focal_gamma` makes the
    cross-entropy focal (Lin et al. 2017).

    Raises:
        UsageError: a value that cannot be meant.
    """

    class_weights: Literal["balanced"] | Mapping[str, float] | None = None
    sampling: Literal["as_given", "balanced"] = "as_given"
    focal_gamma: float | None = None  # above 0, usually 2; 0 would be the cross-entropy itself

    def __post_init__(self) -> None:
        if self.sampling not in ("as_given", "balanced"):
            raise _refusal("sampling", "'as_given' or 'balanced'", self.sampling)
        gamma = self.focal_gamma
        if gamma is not None and not _positive(gamma):
            raise _refusal("focal_gamma", "a number above 0", gamma)
        weights = self.class_weights
        if isinstance(weights, Mapping):
            if not weights or not all(_positive(value) for value in weights.values()):
                raise _refusal(
                    "class_weights", "'balanced', or a mapping of labels to numbers above 0", dict(weights)
                )
        elif weights not in (None, "balanced"):
            raise _refusal("class_weights", "'balanced', or a mapping of labels to numbers above 0", weights)


def check_class_weights(imbalance: Imbalance, labels: Sequence[str]) -> None:
    """Refuse a weight for a class that does not exist.

    Raises:
        UsageError: a key of `class_weights` is none of the labels.
    """
    if not isinstance(imbalance.class_weights, Mapping):
        return
    for key in imbalance.class_weights:
        if key not in labels:
            near = difflib.get_close_matches(str(key), labels, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "Correct or remove it."
            shown = ", ".join(labels[:20]) + (", …" if len(labels) > 20 else "")
            raise UsageError(
                f"every key of class_weights must be a label: {shown}. Received: {key!r}. {hint}"
            )


def _positive(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    )


def _refusal(key: str, expected: str, value: object) -> UsageError:
    return UsageError(f"'{key}' of imbalance must be {expected}. Received: {value!r}. Change '{key}'.")
