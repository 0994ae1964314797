"""Gates: a limit, what was measured, whether it holds, and what the number of test images proves.

A gate on a share (accuracy, agreement) is only as good as its number of images: n images without a
disagreement leave a rate of 3 / n believable. Each `why` says what is proven. Where n images cannot show
the drop that a gate forbids (1 / n is more than the limit), the drop is no evidence either way: the gate
then rests on the logits, which are compared to many digits on every image, and says so.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from tfxfer.errors import GateError
from tfxfer.evaluation.intervals import rate_upper_bound
from tfxfer.evaluation.metrics import ClassificationMetrics
from tfxfer.verification.decision_gates import DECISION_GATES
from tfxfer.verification.evidence import Evidence, Gate, GateResult, Limits, count_words, not_of_task
from tfxfer.verification.parity import Parity
from tfxfer.verification.slice_gates import SLICE_GATES
from tfxfer.verification.task_gates import TASK_GATES


def check_gates(limits: Limits, evidence: Evidence) -> tuple[GateResult, ...]:
    """The answer of every gate that has a limit, in the order of GATES; raises nothing for one that fails.

    Raises:
        GateError: a gate that does not exist, a limit that is not a number, or one that needs test
            targets or a latency that were not measured.
    """
    require_limits(limits)
    return tuple(gate(limits, evidence) for name, gate in GATES.items() if name in limits)


def require_limits(limits: Limits) -> None:
    """Refuse limits that no artifact can be held against, before any is made.

    Raises:
        GateError: a gate that does not exist, or a limit that is not a number of 0 or more.
    """
    for name, limit in limits.items():
        if name not in GATES:
            close = difflib.get_close_matches(name, GATES, n=1)
            hint = f" did you mean '{close[0]}'?" if close else ""
            raise GateError(f"a gate must be one of {', '.join(GATES)}. Received: '{name}';{hint}")
        if not math.isfinite(limit) or limit < 0:
            raise GateError(f"the limit of '{name}' must be a finite number of 0 or more. Received: {limit}.")


def _min_accuracy(limits: Limits, evidence: Evidence) -> GateResult:
    limit, metrics = limits["min_accuracy"], evidence.metrics
    if not isinstance(metrics, ClassificationMetrics):
        raise not_of_task("min_accuracy", metrics)
    low, high = metrics.accuracy_interval
    passed = metrics.accuracy >= limit
    proven = low >= limit if passed else high < limit
    why = (
        f"{metrics.accuracy:.4f} on {metrics.n} test images, 95 % interval {low:.4f} to {high:.4f}: "
        f"{'proven' if proven else 'measured, but too few images to prove it'}"
    )
    return GateResult("min_accuracy", limit, metrics.accuracy, passed, why)


def _max_accuracy_drop(limits: Limits, evidence: Evidence) -> GateResult:
    limit, found = limits["max_accuracy_drop"], evidence.parity
    drop, interval = found.accuracy_drop, found.accuracy_drop_interval
    if not isinstance(evidence.metrics, ClassificationMetrics):
        raise not_of_task("max_accuracy_drop", evidence.metrics)
    if drop is None or interval is None:
        raise GateError(
            "max_accuracy_drop needs labelled test images. Received: outputs without targets. "
            "Give test data, or set max_abs_logit_error instead."
        )
    if limit * found.n < 1:
        return _rest_on_logits(limits, found, drop)
    passed = drop <= limit
    proof = (
        "proven"
        if interval[1] <= limit
        else f"{found.n} images are too few to prove it, they leave a drop of {interval[1]:.4f} believable"
    )
    why = f"a drop of {drop:.4f} on {found.n} test images" + (f": {proof}" if passed else "")
    return GateResult(
        "max_accuracy_drop", limit, drop, passed, why + _logit_words(limits, found, interval[1])
    )


def _rest_on_logits(limits: Limits, found: Parity, drop: float) -> GateResult:
    """One image is more than the limit, so the accuracy cannot tell a good artifact from a bad one."""
    few = (
        f"{found.n} test images are too few for a drop of {limits['max_accuracy_drop']:g} "
        f"(one image is {1 / found.n:.4f}; measured {drop:.4f})"
    )
    tolerance, relative = limits.get("max_abs_logit_error"), limits.get("max_relative_logit_error")
    if tolerance is None and relative is not None:
        return _rest_on_relative(limits, found, few)
    if tolerance is None:
        why = (
            f"{few}, and there is no gate on logits to rest on. Give at least "
            f"{math.ceil(1 / limits['max_accuracy_drop']) if limits['max_accuracy_drop'] else 'any'} "
            "test images, or set max_abs_logit_error."
        )
        return GateResult("max_accuracy_drop", limits["max_accuracy_drop"], drop, False, why)
    passed = found.max_abs_logit_error <= tolerance and found.disagreements == 0
    why = (
        f"{few}: rests on logits, which differ by at most {found.max_abs_logit_error:.2g} "
        f"(limit {tolerance:g}) with {count_words(found.disagreements, 'disagreement')}"
    )
    return GateResult("max_accuracy_drop", limits["max_accuracy_drop"], drop, passed, why)


def _rest_on_relative(limits: Limits, found: Parity, few: str) -> GateResult:
    """A quantised artifact may change one nearly tied answer; more of them in so few images is too much."""
    limit, error, drop = limits["max_relative_logit_error"], _relative(found), found.accuracy_drop
    assert drop is not None
    passed = error <= limit and drop * found.n <= 1 + 1e-9
    why = (
        f"{few}: rests on logits, which differ on average by {error:.2g} of the largest (limit {limit:g}), "
        "and on losing no more than one image"
    )
    return GateResult("max_accuracy_drop", limits["max_accuracy_drop"], drop, passed, why)


def _relative(found: Parity) -> float:
    """The mean error as a share of the largest logit; infinite where all logits are 0."""
    if found.largest_logit == 0:
        return 0.0 if found.mean_abs_logit_error == 0 else float("inf")
    return found.mean_abs_logit_error / found.largest_logit


def _logit_words(limits: Limits, found: Parity, upper: float) -> str:
    tolerance = limits.get("max_abs_logit_error")
    if tolerance is None or upper <= limits["max_accuracy_drop"] or found.max_abs_logit_error > tolerance:
        return ""
    return f"; it rests on logits, which differ by at most {found.max_abs_logit_error:.2g}"


def _min_top1_agreement(limits: Limits, evidence: Evidence) -> GateResult:
    limit, found = limits["min_top1_agreement"], evidence.parity
    if found.top1_agreement is None:
        raise not_of_task("min_top1_agreement", evidence.metrics)
    bound = rate_upper_bound(found.disagreements, found.n)
    ties = f", and {count_words(found.ties, 'tie')} not counted" if found.ties else ""
    proof = "proven" if bound <= 1 - limit else "too few images to prove the limit"
    why = (
        f"{count_words(found.disagreements, 'disagreement')} in {found.n} images{ties}: "
        f"the rate is below {bound:.4f} with 95 % confidence"
    )
    passed = found.top1_agreement >= limit
    return GateResult(
        "min_top1_agreement", limit, found.top1_agreement, passed, f"{why}, {proof}" if passed else why
    )


def _max_abs_logit_error(limits: Limits, evidence: Evidence) -> GateResult:
    limit, found = limits["max_abs_logit_error"], evidence.parity
    why = (
        f"largest of {found.n} images: {found.max_abs_logit_error:.3g}, "
        f"{found.relative_logit_error:.1e} of the largest logit {found.largest_logit:.3g}"
    )
    value = found.max_abs_logit_error
    return GateResult("max_abs_logit_error", limit, value, value <= limit, why)


def _max_relative_logit_error(limits: Limits, evidence: Evidence) -> GateResult:
    limit, found = limits["max_relative_logit_error"], evidence.parity
    value = _relative(found)
    why = (
        f"mean of {found.n} images: {found.mean_abs_logit_error:.3g}, "
        f"{value:.2g} of the largest logit {found.largest_logit:.3g}"
    )
    return GateResult("max_relative_logit_error", limit, value, value <= limit, why)


def _max_size_bytes(limits: Limits, evidence: Evidence) -> GateResult:
    limit, size = limits["max_size_bytes"], evidence.size_bytes
    return GateResult("max_size_bytes", limit, size, size <= limit, f"{size:,} bytes")


def _max_latency_ms_p95(limits: Limits, evidence: Evidence) -> GateResult:
    limit, latency = limits["max_latency_ms_p95"], evidence.latency
    if latency is None:
        raise GateError(
            "max_latency_ms_p95 needs a measured latency. Received: none. Time the artifact first."
        )
    why = f"{latency.p95_ms:.2f} ms, one image at a time, {latency.runs} runs on this machine"
    return GateResult("max_latency_ms_p95", limit, latency.p95_ms, latency.p95_ms <= limit, why)


def _max_peak_memory_bytes(limits: Limits, evidence: Evidence) -> GateResult:
    limit, peak = limits["max_peak_memory_bytes"], evidence.peak_memory_bytes
    if peak is None:
        raise GateError(
            "max_peak_memory_bytes needs a measured memory. Received: none; this system does not tell it. "
            "Remove the gate, or run on Linux."
        )
    why = f"{peak:,} bytes came with the file and one prediction, its engine not counted"
    return GateResult("max_peak_memory_bytes", limit, peak, peak <= limit, why)


GATES: Mapping[str, Gate] = {
    "min_accuracy": _min_accuracy,
    "max_accuracy_drop": _max_accuracy_drop,
    "min_top1_agreement": _min_top1_agreement,
    "max_abs_logit_error": _max_abs_logit_error,
    "max_relative_logit_error": _max_relative_logit_error,
    "max_size_bytes": _max_size_bytes,
    "max_latency_ms_p95": _max_latency_ms_p95,
    "max_peak_memory_bytes": _max_peak_memory_bytes,
    **DECISION_GATES,
    **TASK_GATES,
    **SLICE_GATES,
}
