"""Gates on answers: thresholds, costs, sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Mapping

from tfxfer.errors import GateError
from tfxfer.evaluation.intervals import Interval, rate_upper_bound
from tfxfer.evaluation.metrics import ClassificationMetrics, DecisionMetrics
from tfxfer.verification.evidence import Evidence, Gate, GateResult, Limits, count_words


def _min_decision_agreement(limits: Limits, evidence: Evidence) -> GateResult:
    limit, found = limits["min_decision_agreement"], evidence.parity.decisions
    if found is None:
        raise GateError(
            "min_decision_agreement needs a decision rule, or a multi-label network. Received: neither. "
            "Set evaluation.decision, or use min_top1_agreement."
        )
    bound = rate_upper_bound(found.disagreements, found.count)
    ties = f", and {count_words(found.ties, 'tie')} not counted" if found.ties else ""
    why = (
        f"{count_words(found.disagreements, 'disagreement')} in {found.count} decisions{ties}: "
        f"the rate is below {bound:.4f} with 95 % confidence"
    )
    return GateResult("min_decision_agreement", limit, found.agreement, found.agreement >= limit, why)


def _min_sensitivity(limits: Limits, evidence: Evidence) -> GateResult:
    decision = _positive_decision("min_sensitivity", evidence)
    return _share("min_sensitivity", limits, decision.sensitivity, decision.sensitivity_interval)


def _min_specificity(limits: Limits, evidence: Evidence) -> GateResult:
    decision = _positive_decision("min_specificity", evidence)
    return _share("min_specificity", limits, decision.specificity, decision.specificity_interval)


def _positive_decision(gate: str, evidence: Evidence) -> DecisionMetrics:
    metrics = evidence.metrics
    decision = metrics.decision if isinstance(metrics, ClassificationMetrics) else None
    if decision is None or decision.positive is None:
        raise GateError(
            f"{gate} needs a threshold on one positive label. Received: no such decision rule. "
            "Set evaluation.decision: {positive: LABEL, specificity: 0.95}."
        )
    return decision


def _share(name: str, limits: Limits, value: float | None, interval: Interval | None) -> GateResult:
    if value is None or interval is None:
        return GateResult(name, limits[name], None, False, "no test image to measure it on")
    low, high = interval
    passed = value >= limits[name]
    proven = low >= limits[name] if passed else high < limits[name]
    why = (
        f"{value:.4f} on the test split, 95 % interval {low:.4f} to {high:.4f}: "
        f"{'proven' if proven else 'measured, but too few images to prove it'}"
    )
    return GateResult(name, limits[name], value, passed, why)


DECISION_GATES: Mapping[str, Gate] = {
    "min_decision_agreement": _min_decision_agreement,
    "min_sensitivity": _min_sensitivity,
    "min_specificity": _min_specificity,
}
