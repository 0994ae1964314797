"""From logits to what they say: probabilities, values, and the answer for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.tasks import TaskName

EVEN = 0.5  # the threshold of a label that nobody has chosen one for

Answer = str | list[str] | None


@dataclass(frozen=True, slots=True)
class Decoding:
    """What the logits of a network mean; `scale` and `offset`, one per label, are a regression's."""

    task: TaskName = "classification"
    scale: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """(N, labels) float32 probabilities, or values, of logits (N, labels)."""
        if self.task == "regression":
            values = logits * np.array(self.scale, np.float32) + np.array(self.offset, np.float32)
            return np.asarray(values, np.float32)
        return _sigmoid(logits) if self.task == "multi_label" else _softmax(logits)


def even_thresholds(labels: Sequence[str]) -> Decision:
    """Every label from a probability of 0.5 on."""
    return Decision("thresholds", tuple(labels), (EVEN,) * len(labels), why=f"{EVEN} for every label")


def answer(row: np.ndarray, labels: Sequence[str], task: TaskName, decision: Decision | None) -> Answer:
    """The label of one row of probabilities (labels,), the labels that apply, or None of a regression."""
    if task == "regression":
        return None
    if task == "multi_label":
        applies = (decision or even_thresholds(labels)).applies(row[None])[0]
        return [label for label, said in zip(labels, applies, strict=True) if said]
    return labels[int(row.argmax() if decision is None else decision.answers(row[None])[0])]


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    wide = np.asarray(logits, np.float64)
    return np.asarray(np.exp(-np.logaddexp(0.0, -wide)), np.float32)  # no overflow, however small the logit
