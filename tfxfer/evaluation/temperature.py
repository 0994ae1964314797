"""Temperature scaling: one number that the logits are divided by, so that confidence says how often it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from tfxfer.evaluation.predictions import Predictions
from tfxfer.runtimes.outputs import Outputs

BOUND = 100.0  # temperatures from 1/BOUND to BOUND are looked at


@dataclass(frozen=True, slots=True)
class Temperature:
    """The temperature of the lowest loss on the validation split; 1 where none is lowest."""

    value: float
    n: int  # validation images
    loss_before: float  # mean negative log-likelihood of the true class, nats
    loss_after: float
    why: str


def find_temperature(predictions: Predictions) -> Temperature:
    """The temperature that minimises a classifier's negative log-likelihood on validation data.

    Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks", ICML, section 4.2. The loss is
    convex in 1 / temperature, so that the minimum is the only one; no answer changes, only its probability.
    """
    n, before = len(predictions.targets), _loss(predictions, 0.0)
    if bool((predictions.outputs.logits.argmax(axis=1) == predictions.targets).all()):
        why = f"left at 1: all {n} validation answers are right, so that no temperature is too low"
        return Temperature(1.0, n, before, before, why)
    edge = float(np.log(BOUND))
    found = minimize_scalar(lambda log: _loss(predictions, log), bounds=(-edge, edge), method="bounded")
    if abs(found.x) > 0.99 * edge:
        why = f"left at 1: the loss on {n} validation images falls beyond a temperature of {np.exp(found.x):.2g}"
        return Temperature(1.0, n, before, before, why)
    if found.fun >= before:  # 1 is the best one, to the accuracy of the search
        return Temperature(1.0, n, before, before, f"the lowest loss on {n} validation images")
    value = float(np.exp(found.x))
    return Temperature(value, n, before, float(found.fun), f"the lowest loss on {n} validation images")


def tempered(predictions: Predictions, temperature: float) -> Predictions:
    """A classifier's predictions with their logits divided by `temperature`."""
    logits = predictions.outputs.logits.astype(np.float64) / temperature
    return Predictions(Outputs(softmax(logits, axis=1), logits), predictions.targets, predictions.weights)


def _loss(predictions: Predictions, log_temperature: float) -> float:
    logits = predictions.outputs.logits.astype(np.float64) * np.exp(-log_temperature)
    rows = np.arange(len(logits))
    losses = -log_softmax(logits, axis=1)[rows, predictions.targets]
    return float(np.average(losses, weights=predictions.weights))
