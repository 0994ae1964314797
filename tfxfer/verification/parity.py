"""How far an artifact's answers lie from the trained network's, on the same images."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tfxfer.catalogue.decoding import EVEN
from tfxfer.errors import VerificationError
from tfxfer.evaluation.intervals import Interval, effective_sample_size, paired_difference_interval
from tfxfer.evaluation.predictions import Predictions, check_outputs, class_indices
from tfxfer.evaluation.scoring import Scoring
from tfxfer.runtimes.outputs import Outputs

# Of the largest logit: how far the order of float32 sums may move one logit of a network of usual depth.
NUMERIC_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Decisions:
    """How often thresholds or costs give an artifact's outputs the network's answer."""

    count: int  # one per image, of a multi-label network one per image and label
    disagreements: int  # ties left out
    ties: int  # where the network's outputs lie on the edge of the decision, to the last bits

    @property
    def agreement(self) -> float:
        """The share of decisions without a real disagreement."""
        return 1 - self.disagreements / self.count


@dataclass(frozen=True, slots=True)
class Parity:
    """An artifact held against the trained network over n images; logits, since a uniform softmax agrees
    with everything."""

    n: int
    top1_agreement: float | None  # share of images whose best class is the same; None of other tasks
    disagreements: int  # images with another best class, ties left out
    ties: int  # images with another best class where the two best logits are equal to the last bits
    max_abs_logit_error: float
    mean_abs_logit_error: float
    largest_logit: float  # by absolute value, of the trained network
    reference_accuracy: float | None = None
    accuracy: float | None = None
    accuracy_drop: float | None = None  # of the trained network minus that of the artifact
    accuracy_drop_interval: Interval | None = None  # 95 %, paired
    decisions: Decisions | None = None  # of a decision rule or of a multi-label network

    @property
    def relative_logit_error(self) -> float:
        """The largest error as a share of the largest logit; infinite where all logits are 0."""
        if self.largest_logit == 0:
            return 0.0 if self.max_abs_logit_error == 0 else float("inf")
        return self.max_abs_logit_error / self.largest_logit


def parity(
    reference: Outputs,
    candidate: Outputs,
    targets: np.ndarray | None = None,
    *,
    weights: np.ndarray | None = None,
    scoring: Scoring | None = None,
    numeric_tolerance: float = NUMERIC_TOLERANCE,
) -> Parity:
    """Compare an artifact's outputs with the trained network's, image by image.

    `targets` are (N,) class indices or one-hot rows; without them, and of other tasks than classification,
    the accuracies are None. `scoring` says the task and the decision rule; None is a classifier's without one.
    `numeric_tolerance` is relative to the largest logit: where the network's two best logits are closer
    than twice that, another answer is a tie, not a disagreement. It must not come from the measured
    error, which would excuse every wrong artifact.

    Raises:
        EvaluationError: outputs that are not finite.
        VerificationError: the two are not of the same images and classes.
    """
    check_outputs(reference)
    check_outputs(candidate)
    if reference.logits.shape != candidate.logits.shape or not reference.logits.size:
        raise VerificationError(
            "parity needs outputs of the same images and classes. "
            f"Received: {reference.logits.shape} of the network, {candidate.logits.shape} of the artifact."
        )
    expected, received = reference.logits.astype(np.float64), candidate.logits.astype(np.float64)
    error, largest = np.abs(expected - received), float(np.abs(expected).max())
    scoring = Scoring() if scoring is None else scoring
    decisions = _decisions(reference, candidate, scoring, numeric_tolerance)
    errors = (float(error.max()), float(error.mean()), largest)
    if scoring.task != "classification":
        return Parity(len(expected), None, 0, 0, *errors, decisions=decisions)
    differs = expected.argmax(axis=1) != received.argmax(axis=1)
    tied = differs & (_margin(expected) <= 2 * numeric_tolerance * largest)
    disagreements = int((differs & ~tied).sum())
    accuracies = () if targets is None else _accuracies(expected, received, targets, weights)
    agreement = 1 - disagreements / len(expected)
    found = Parity(len(expected), agreement, disagreements, int(tied.sum()), *errors, *accuracies)
    return replace(found, decisions=decisions)


def _decisions(
    reference: Outputs, candidate: Outputs, scoring: Scoring, tolerance: float
) -> Decisions | None:
    if scoring.task == "regression" or (scoring.task == "classification" and scoring.decision is None):
        return None
    before, after = (
        scoring.answers(Predictions(outputs, np.zeros(len(outputs.logits)), np.ones(len(outputs.logits))))
        for outputs in (reference, candidate)
    )
    assert before is not None
    assert after is not None
    differs = before != after
    tied = differs & (_decision_margin(reference, scoring) <= tolerance)
    return Decisions(before.size, int((differs & ~tied).sum()), int(tied.sum()))


def _decision_margin(outputs: Outputs, scoring: Scoring) -> np.ndarray:
    """How far the network's probabilities are from the edge of their decision; of costs, as a share of the largest."""
    probabilities, decision = outputs.probabilities.astype(np.float64), scoring.decision
    if decision is None:
        return np.abs(probabilities - EVEN)
    if decision.rule == "costs":
        costs = np.array(decision.costs)
        expected = np.sort(probabilities @ costs, axis=1)
        return np.asarray((expected[:, 1] - expected[:, 0]) / max(float(costs.max()), 1e-30))
    if decision.rule == "thresholds":
        return np.asarray(np.abs(probabilities - np.array(decision.thresholds)))
    assert decision.positive is not None
    return np.asarray(
        np.abs(probabilities[:, decision.labels.index(decision.positive)] - decision.thresholds[0])
    )


def _margin(logits: np.ndarray) -> np.ndarray:
    """(N,) the distance between the two largest logits of every row."""
    best = np.partition(logits, -2, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0]


def _accuracies(
    expected: np.ndarray, received: np.ndarray, targets: np.ndarray, weights: np.ndarray | None
) -> tuple[float, float, float, Interval]:
    truth = class_indices(np.asarray(targets), expected.shape[1])
    weights = np.ones(len(truth)) if weights is None else weights
    before, after = expected.argmax(axis=1) == truth, received.argmax(axis=1) == truth
    effective = effective_sample_size(weights)
    share = weights * effective / weights.sum()  # adds up to the number of images that the weights are worth
    interval = paired_difference_interval(
        float(share[before & ~after].sum()), float(share[after & ~before].sum()), effective
    )
    accuracies = float(np.average(before, weights=weights)), float(np.average(after, weights=weights))
    return *accuracies, accuracies[0] - accuracies[1], interval
