"""A linear head is solved on standardised features, its strength chosen on validation.

Logistic regression for classes and labels, ridge regression for values; the standardisation is folded into the
head. A convex problem is best solved, not iterated.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from tfxfer.catalogue.tasks import TaskName
from tfxfer.network.head import Head
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.metrics import ACCURACY, BINARY_ACCURACY, MEAN_ABSOLUTE_ERROR
from tfxfer.training.threads import solver_threads

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C: the larger, the weaker the pull towards 0
PENALTIES = (1e4, 1e3, 1e2, 10.0, 1.0, 0.1)  # scikit-learn's alpha of a ridge: the larger, the stronger
ITERATIONS = 500
# Of the median feature's standard deviation: the least that a feature is divided by. Grey pictures hardly move 90 of
# MobileNetV2's 1280 features; divided by their own 1e-4 those got weights of 480 among ones of 0.2, beside which int8
# knows all others as 0 (a head in int8 on steel tiles: 0.47 of 0.84; with the floor 0.85).
LEAST_SHARE = 1 / 8


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A head: logits = features @ kernel + bias."""

    kernel: np.ndarray  # (features, labels) float64
    bias: np.ndarray  # (labels,) float64
    strengths: tuple[float, ...]  # one, or of a multi-label head one for each label
    score: float  # on validation, of the task's own metric: accuracy, binary accuracy, mean absolute error
    loss: float  # on validation, as `fit` reports it


def solve(train: ArrayExamples, validation: ArrayExamples, head: Head | None = None) -> Solution:
    """The solution that validates best, among pulls towards 0 of every strength; a tie goes to the strongest.

    Classes are judged by accuracy, then by loss; labels, each by itself, and values by loss. Without a `head`
    it is a classifier's.
    """
    task: TaskName = "classification" if head is None else head.task
    width = int(train.targets.max()) + 1 if task == "classification" else 1
    with solver_threads(len(train.targets) * train.inputs.shape[1] * width):
        return SOLVERS[task](train, validation, head)


def write(layer: keras.layers.Dense, solution: Solution) -> None:
    """Put the solution into a Dense layer."""
    layer.kernel.assign(solution.kernel.astype(layer.kernel.dtype))
    layer.bias.assign(solution.bias.astype(layer.bias.dtype))


def fitted(solution: Solution, train: ArrayExamples, head: Head | None = None) -> dict[str, float]:
    """How the solution does on the examples it was solved for, under the names that training logs."""
    task: TaskName = "classification" if head is None else head.task
    logits = rows(train) @ solution.kernel + solution.bias
    _, loss = SCORES[task](logits, train, head)
    score, _ = SCORES[task](
        logits, replace(train, weights=None), head
    )  # of the examples, as gradient training logs
    return {"loss": loss, METRIC_NAMES[task]: score}


def rows(examples: ArrayExamples) -> np.ndarray:
    """(N, features) float64, in the order of the targets."""
    order = np.arange(len(examples.targets)) if examples.rows is None else examples.rows
    return np.asarray(examples.inputs[order], np.float64)


def _solve_classes(train: ArrayExamples, validation: ArrayExamples, head: Head | None) -> Solution:
    wanted = rows(validation)
    features, targets = rows(train), np.asarray(train.targets)
    candidates = []
    for kernel, bias, strength in _logistic_path(features, targets, train.weights):
        score, loss = _class_scores(wanted @ kernel + bias, validation, head)
        candidates.append(Solution(kernel, bias, (strength,), score, loss))
    return max(candidates, key=lambda found: (found.score, -found.loss, -found.strengths[0]))


def _solve_labels(train: ArrayExamples, validation: ArrayExamples, head: Head | None) -> Solution:
    wanted, features = rows(validation), rows(train)
    kernels, biases, strengths = [], [], []
    for column in range(train.targets.shape[1]):
        candidates = []
        truth = np.asarray(validation.targets[:, column], np.float64)
        for kernel, bias, strength in _logistic_path(features, train.targets[:, column], train.weights):
            logit = wanted @ (kernel[:, 1] - kernel[:, 0]) + bias[1] - bias[0]
            loss = _weighted_mean(np.logaddexp(0, logit) - truth * logit, validation)
            candidates.append((loss, strength, kernel[:, 1] - kernel[:, 0], bias[1] - bias[0]))
        _, strength, kernel, bias = min(candidates, key=lambda found: found[:2])
        kernels.append(kernel)
        biases.append(bias)
        strengths.append(strength)
    kernel, bias = np.stack(kernels, axis=1), np.array(biases)
    return Solution(kernel, bias, tuple(strengths), *_label_scores(wanted @ kernel + bias, validation, head))


def _solve_values(train: ArrayExamples, validation: ArrayExamples, head: Head | None) -> Solution:
    assert head is not None
    wanted = rows(validation)
    standard, mean, scale = _standardised(rows(train))
    targets = _standard_targets(train, head)
    candidates = []
    for penalty in PENALTIES:
        model = Ridge(alpha=penalty).fit(standard, targets, sample_weight=train.weights)
        kernel = model.coef_.reshape(targets.shape[1], -1).T / scale[:, None]
        bias = model.intercept_ - mean @ kernel
        score, loss = _value_scores(wanted @ kernel + bias, validation, head)
        candidates.append(Solution(kernel, bias, (penalty,), score, loss))
    return min(candidates, key=lambda found: (found.loss, -found.strengths[0]))


def _logistic_path(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """(kernel, bias, strength) for every strength, each solved from the one before."""
    standard, mean, scale = _standardised(features)
    model = LogisticRegression(C=STRENGTHS[0], max_iter=ITERATIONS, warm_start=True)
    for strength in STRENGTHS:
        model.C = strength
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # the weakest pulls need not converge to be judged
            model.fit(standard, targets, sample_weight=weights)
        kernel = _two_sided(model.coef_).T / scale[:, None]
        yield kernel, _two_sided(model.intercept_[:, None])[:, 0] - mean @ kernel, strength


def _standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, scale = features.mean(axis=0), features.std(axis=0)
    alive = scale >= 1e-12  # a feature that never changes says nothing, and is not to be divided by
    least = LEAST_SHARE * np.median(scale[alive]) if alive.any() else 0.0
    scale = np.where(alive, np.maximum(scale, least), 1.0)
    return (features - mean) / scale, mean, scale


def _two_sided(weights: np.ndarray) -> np.ndarray:
    """One row per class; of two classes scikit-learn gives the difference of their logits."""
    return np.concatenate([-weights / 2, weights / 2]) if len(weights) == 1 else weights


def _standard_targets(examples: ArrayExamples, head: Head) -> np.ndarray:
    """(N, labels) targets of a regression as its logits should be."""
    values = np.asarray(examples.targets, np.float64).reshape(len(examples.targets), -1)
    return (values - np.array(head.offset)) / np.array(head.scale)


Scores = tuple[float, float]  # the task's own metric and the loss, both of weighted examples


def _class_scores(logits: np.ndarray, examples: ArrayExamples, head: Head | None) -> Scores:
    """Accuracy and mean cross-entropy."""
    del head
    log_probabilities = logits - logits.max(axis=1, keepdims=True)
    log_probabilities -= np.log(np.exp(log_probabilities).sum(axis=1, keepdims=True))
    losses = -log_probabilities[np.arange(len(logits)), examples.targets]
    return _share(logits.argmax(axis=1) == examples.targets, examples), _weighted_mean(losses, examples)


def _label_scores(logits: np.ndarray, examples: ArrayExamples, head: Head | None) -> Scores:
    """Share of right answers to every label's question, and mean binary cross-entropy."""
    del head
    truth = np.asarray(examples.targets, np.float64)
    losses = (np.logaddexp(0, logits) - truth * logits).mean(axis=1)
    right = ((logits > 0) == (truth > 0.5)).mean(axis=1)
    return _share(right, examples), _weighted_mean(losses, examples)


def _value_scores(logits: np.ndarray, examples: ArrayExamples, head: Head | None) -> Scores:
    """Mean absolute error in the targets' unit, and mean squared error in standard deviations."""
    assert head is not None
    errors = logits - _standard_targets(examples, head)
    absolute = (np.abs(errors) * np.array(head.scale)).mean(axis=1)
    return _share(absolute, examples), _weighted_mean(np.square(errors).mean(axis=1), examples)


def _share(values: np.ndarray, examples: ArrayExamples) -> float:
    """The mean of each example's value by its weight, as `evaluate` has it."""
    return float(np.average(values, weights=examples.weights))


def _weighted_mean(losses: np.ndarray, examples: ArrayExamples) -> float:
    """As Keras does it: divided by the number of examples."""
    weights = np.ones(len(losses)) if examples.weights is None else examples.weights
    return float(np.mean(losses * weights))


SOLVERS: Mapping[TaskName, Callable[[ArrayExamples, ArrayExamples, Head | None], Solution]] = {
    "classification": _solve_classes,
    "multi_label": _solve_labels,
    "regression": _solve_values,
}
SCORES: Mapping[TaskName, Callable[[np.ndarray, ArrayExamples, Head | None], Scores]] = {
    "classification": _class_scores,
    "multi_label": _label_scores,
    "regression": _value_scores,
}
METRIC_NAMES: Mapping[TaskName, str] = {
    "classification": ACCURACY,
    "multi_label": BINARY_ACCURACY,
    "regression": MEAN_ABSOLUTE_ERROR,
}
