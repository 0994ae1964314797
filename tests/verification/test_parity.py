"""Parity counts what differs, and does not count a tie as a difference."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.errors import EvaluationError, VerificationError
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.parity import parity


def outputs(logits: np.ndarray) -> Outputs:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    return Outputs(probabilities.astype(np.float32), logits.astype(np.float32))


def test_the_same_outputs_agree_wholly() -> None:
    same = outputs(np.array([[1.0, 2, 3], [9, 1, 0]]))
    found = parity(same, same, np.array([2, 1]))
    assert (found.top1_agreement, found.max_abs_logit_error, found.disagreements, found.ties) == (1, 0, 0, 0)
    assert (found.reference_accuracy, found.accuracy, found.accuracy_drop) == (0.5, 0.5, 0.0)
    assert found.largest_logit == 9
    assert found.accuracy_drop_interval is not None
    assert found.accuracy_drop_interval[0] < 0 < found.accuracy_drop_interval[1]


def test_errors_and_drop() -> None:
    reference = np.array([[4.0, 0], [4, 0], [0, 4], [0, 4]])
    candidate = reference.copy()
    candidate[3] = [5, 4]
    found = parity(outputs(reference), outputs(candidate), np.array([0, 0, 1, 1]))
    assert found.top1_agreement == 0.75
    assert found.max_abs_logit_error == 5
    assert found.mean_abs_logit_error == pytest.approx(5 / 8)
    assert found.relative_logit_error == pytest.approx(5 / 4)
    assert found.accuracy_drop == 0.25


def test_a_tie_is_stated_and_not_counted() -> None:
    reference = np.array([[10.0, 10.0 - 1e-5, 0], [10, 9, 0]])
    found = parity(outputs(reference), outputs(reference[:, [1, 0, 2]]))
    assert (found.ties, found.disagreements, found.top1_agreement) == (1, 1, 0.5)
    assert found.accuracy is None


def test_a_wrong_artifact_cannot_hide_behind_its_own_error() -> None:
    random = np.random.default_rng(0)
    reference = random.normal(size=(200, 5))
    found = parity(outputs(reference), outputs(random.normal(size=(200, 5))))
    assert found.ties <= 1
    assert found.top1_agreement < 0.4


def test_weights_move_the_drop() -> None:
    reference, candidate = np.array([[1.0, 0], [1, 0]]), np.array([[1.0, 0], [0, 1]])
    found = parity(outputs(reference), outputs(candidate), np.array([0, 0]), weights=np.array([3.0, 1.0]))
    assert found.accuracy_drop == 0.25


def test_all_zero_logits() -> None:
    zero = outputs(np.zeros((2, 3)))
    assert parity(zero, zero).relative_logit_error == 0
    assert parity(zero, outputs(np.ones((2, 3)))).relative_logit_error == float("inf")


def test_refusals() -> None:
    good = outputs(np.zeros((2, 3)))
    with pytest.raises(VerificationError, match="same images and classes"):
        parity(good, outputs(np.zeros((3, 3))))
    with pytest.raises(EvaluationError, match="finite"):
        parity(good, outputs(np.full((2, 3), np.nan)))
