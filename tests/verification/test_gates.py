"""A gate says what was measured, whether it holds, and what the number of images proves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.formats import default_gates
from tfxfer.config.schema import GatesConfig
from tfxfer.config.task_checks import TASKS_OF_GATE
from tfxfer.errors import GateError
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.score import score
from tfxfer.evaluation.scoring import Scoring
from tfxfer.evaluation.slices import slice_drops
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.evidence import Evidence, GateResult
from tfxfer.verification.gates import GATES, check_gates
from tfxfer.verification.latency import Latency
from tfxfer.verification.parity import parity


def evidence(n: int, wrong: int = 0, error: float = 1e-6, *, latency: bool = True) -> Evidence:
    """n images that the network gets all right; the artifact gets `wrong` of them wrong."""
    targets = np.arange(n) % 2
    logits = np.where(np.eye(2)[targets] > 0, 5.0, -5.0)
    other = logits + error
    other[:wrong] = -logits[:wrong]
    reference, candidate = Outputs(_softmax(logits), logits), Outputs(_softmax(other), other)
    timed = Latency(1.0, 2.0, 50, 5, None) if latency else None
    return Evidence(
        parity(reference, candidate, targets), score(candidate, targets), 1000, timed, peak_memory_bytes=900
    )


def decided_evidence(n: int) -> Evidence:
    """The same with a decision rule and two slices."""
    targets = np.arange(n) % 2
    logits = np.where(np.eye(2)[targets] > 0, 5.0, -5.0)
    outputs = Outputs(_softmax(logits), logits)
    decision = Decision("threshold", ("a", "b"), (0.5,), "b")
    scoring = Scoring("classification", ("a", "b"), decision)
    predictions = Predictions(outputs, targets, np.ones(n))
    right = scoring.per_image(predictions)
    slicings = {"half": ["first" if index < n // 2 else "second" for index in range(n)]}
    return Evidence(
        parity(outputs, outputs, targets, scoring=scoring),
        scoring.metrics(predictions),
        1000,
        Latency(1.0, 2.0, 50, 5, None),
        slices=slice_drops(slicings, right, right, np.ones(n), "classification"),
        peak_memory_bytes=900,
    )


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits)
    return shifted / shifted.sum(axis=1, keepdims=True)


def ask(name: str, limit: float, given: Evidence, **others: float) -> GateResult:
    results = check_gates({name: limit, **others}, given)
    return next(result for result in results if result.name == name)


def test_every_gate_of_the_configuration_is_there_and_has_an_answer() -> None:
    assert set(GATES) == set(GatesConfig.model_fields)
    asked = [name for name in GATES if "classification" in TASKS_OF_GATE.get(name, ("classification",))]
    limits = {name: 0.9 if name.startswith("min") else 2000.0 for name in asked}
    found = decided_evidence(100)
    results = check_gates(limits, found)
    assert [result.name for result in results] == asked
    assert all(result.passed for result in results)
    json.dumps([result.as_dict() for result in results], allow_nan=False)
    for name in set(GATES) - set(asked):
        with pytest.raises(GateError, match="not for the task classification"):
            check_gates({name: 0.5}, found)


@pytest.mark.parametrize(
    ("name", "limit", "given"),
    [
        ("min_accuracy", 0.95, evidence(100, wrong=6)),
        ("max_accuracy_drop", 0.05, evidence(100, wrong=6)),
        ("min_top1_agreement", 0.95, evidence(100, wrong=6)),
        ("max_abs_logit_error", 1e-4, evidence(100, error=1e-3)),
        ("max_size_bytes", 999, evidence(100)),
        ("max_latency_ms_p95", 1.9, evidence(100)),
        ("max_peak_memory_bytes", 899, evidence(100)),
    ],
)
def test_each_gate_fails(name: str, limit: float, given: Evidence) -> None:
    assert not ask(name, limit, given).passed


def test_accuracy_is_proven_or_only_measured() -> None:
    assert ask("min_accuracy", 0.95, evidence(1000)).why.endswith(": proven")
    assert "too few images to prove it" in ask("min_accuracy", 0.95, evidence(20)).why


def test_drop_is_proven_where_there_are_images_enough() -> None:
    result = ask("max_accuracy_drop", 0.01, evidence(1000))
    assert result.passed
    assert result.why.endswith(": proven")


def test_drop_that_is_not_proven_says_what_it_rests_on() -> None:
    result = ask("max_accuracy_drop", 0.01, evidence(150), max_abs_logit_error=1e-3)
    assert result.passed
    assert "150 images are too few to prove it" in result.why
    assert "rests on logits" in result.why


def test_too_few_images_rest_on_logits_alone() -> None:
    assert 0.005 * 100 < 1  # one image is more than the limit
    good = ask("max_accuracy_drop", 0.005, evidence(100), max_abs_logit_error=1e-3)
    assert good.passed
    assert "too few for a drop of 0.005" in good.why
    assert "rests on logits" in good.why
    assert not ask("max_accuracy_drop", 0.005, evidence(100, error=0.01), max_abs_logit_error=1e-3).passed
    assert not ask("max_accuracy_drop", 0.005, evidence(100, wrong=1), max_abs_logit_error=1e-3).passed


def test_too_few_images_and_no_logits_to_rest_on() -> None:
    result = ask("max_accuracy_drop", 0.005, evidence(100))
    assert not result.passed
    assert "Give at least 200 test images, or set max_abs_logit_error" in result.why
    assert not ask("max_accuracy_drop", 0.0, evidence(100)).passed
    assert ask("max_accuracy_drop", 0.0, evidence(100), max_abs_logit_error=1e-3).passed


def test_agreement_states_the_rate_that_remains_believable() -> None:
    result = ask("min_top1_agreement", 0.99, evidence(150))
    assert "0 disagreements in 150 images" in result.why
    assert "below 0.0198 with 95 % confidence" in result.why  # rule of three: 3 / 150
    assert "too few images to prove" in result.why
    assert "proven" in ask("min_top1_agreement", 0.99, evidence(300)).why


def test_default_gates_pass_a_sound_artifact_of_any_number_of_images() -> None:
    for n in (2, 30, 150, 1000):
        limits = default_gates("litert", "float32")
        assert all(result.passed for result in check_gates(limits, evidence(n)))
        assert not all(result.passed for result in check_gates(limits, evidence(n, error=0.1)))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"min_acuracy": 0.9}, "did you mean 'min_accuracy'"),
        ({"min_accuracy": float("nan")}, "finite number"),
        ({"max_size_bytes": -1}, "0 or more"),
        ({"max_latency_ms_p95": 1}, "Time the artifact first"),
    ],
)
def test_gates_that_cannot_be_asked(limits: dict[str, float], words: str) -> None:
    with pytest.raises(GateError, match=words):
        check_gates(limits, evidence(10, latency=False))
