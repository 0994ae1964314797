"""A linear head is solved: logistic regression on standardised features, its strength chosen on validation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tfxfer.training.examples import ArrayExamples
from tfxfer.training.threads import solver_threads

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C: the larger, the weaker the pull towards 0
ITERATIONS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A head: logits = features @ kernel + bias."""

    kernel: np.ndarray  # (features, classes) float64
    bias: np.ndarray  # (classes,) float64
    strength: float
    accuracy: float  # on validation
    loss: float  # on validation, the mean cross-entropy


def solve(train: ArrayExamples, validation: ArrayExamples) -> Solution:
    """The solution that validates best: highest accuracy, then lowest loss, then the strongest pull towards 0."""
    wanted, features = rows(validation), rows(train)
    with solver_threads(features.size * (int(train.targets.max()) + 1)):
        candidates = [_judged(*found, wanted, validation) for found in _path(features, train)]
    return max(candidates, key=lambda solution: (solution.accuracy, -solution.loss, -solution.strength))


def write(layer: keras.layers.Dense, solution: Solution) -> None:
    """Put the solution into a Dense layer."""
    layer.kernel.assign(solution.kernel.astype(layer.kernel.dtype))
    layer.bias.assign(solution.bias.astype(layer.bias.dtype))


def fitted(solution: Solution, train: ArrayExamples) -> dict[str, float]:
    """How the solution does on the examples it was solved for."""
    accuracy, loss = _scored(rows(train) @ solution.kernel + solution.bias, train)
    return {"loss": loss, "accuracy": accuracy}


def rows(examples: ArrayExamples) -> np.ndarray:
    """(N, features) float64, in the order of the targets."""
    order = np.arange(len(examples.targets)) if examples.rows is None else examples.rows
    return np.asarray(examples.inputs[order], np.float64)


def _path(features: np.ndarray, train: ArrayExamples) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """(kernel, bias, strength) for every strength, each solved from the one before."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-12] = 1.0  # a feature that never changes says nothing, and is not to be divided by
    standard = (features - mean) / scale
    model = LogisticRegression(C=STRENGTHS[0], max_iter=ITERATIONS, warm_start=True)
    for strength in STRENGTHS:
        model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # the weakest pulls need not converge to be judged
            model.fit(standard, train.targets, sample_weight=train.weights)
        kernel = _two_sided(model.coef_).T / scale[:, None]
        yield kernel, _two_sided(model.intercept_[:, None])[:, 0] - mean @ kernel, strength


def _two_sided(weights: np.ndarray) -> np.ndarray:
    """One row per class; of two classes scikit-learn gives the difference of their logits."""
    return np.concatenate([-weights / 2, weights / 2]) if len(weights) == 1 else weights


def _judged(
    kernel: np.ndarray, bias: np.ndarray, strength: float, features: np.ndarray, validation: ArrayExamples
) -> Solution:
    accuracy, loss = _scored(features @ kernel + bias, validation)
    return Solution(kernel, bias, strength, accuracy, loss)


def _scored(logits: np.ndarray, examples: ArrayExamples) -> tuple[float, float]:
    """Accuracy and mean cross-entropy, the latter weighted as Keras does it: divided by the number of examples."""
    log_probabilities = logits - logits.max(axis=1, keepdims=True)
    log_probabilities -= np.log(np.exp(log_probabilities).sum(axis=1, keepdims=True))
    losses = -log_probabilities[np.arange(len(logits)), examples.targets]
    weights = np.ones(len(logits)) if examples.weights is None else examples.weights
    return float(np.mean(logits.argmax(axis=1) == examples.targets)), float(np.mean(losses * weights))
