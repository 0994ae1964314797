"""How far an artifact's answers lie from the trained network's, on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfxfer.errors import VerificationError
from tfxfer.evaluation.intervals import Interval, paired_difference_interval
from tfxfer.evaluation.predictions import check_outputs, class_indices
from tfxfer.evaluation.score import effective_sample_size
from tfxfer.runtimes.outputs import Outputs

# Of the largest logit: how far the order of float32 sums may move one logit of a network of usual depth.
NUMERIC_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Parity:
    """An artifact held against the trained network over n images; logits, since a uniform softmax agrees
    with everything."""

    n: int
    top1_agreement: float  # share of images without a real disagreement
    disagreements: int  # images with another answer, ties left out
    ties: int  # images with another answer where the network's two best logits are equal to the last bits
    max_abs_logit_error: float
    mean_abs_logit_error: float
    largest_logit: float  # by absolute value, of the trained network
    reference_accuracy: float | None = None
    accuracy: float | None = None
    accuracy_drop: float | None = None  # of the trained network minus that of the artifact
    accuracy_drop_interval: Interval | None = None  # 95 %, paired

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
    numeric_tolerance: float = NUMERIC_TOLERANCE,
) -> Parity:
    """Compare an artifact's outputs with the trained network's, image by image.

    `targets` are (N,) class indices or one-hot rows; without them the accuracies are None.
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
    differs = expected.argmax(axis=1) != received.argmax(axis=1)
    tied = differs & (_margin(expected) <= 2 * numeric_tolerance * largest)
    disagreements = int((differs & ~tied).sum())
    accuracies = () if targets is None else _accuracies(expected, received, targets, weights)
    return Parity(
        len(expected),
        1 - disagreements / len(expected),
        disagreements,
        int(tied.sum()),
        float(error.max()),
        float(error.mean()),
        largest,
        *accuracies,
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
