"""The judgement on one artifact: what was measured, held against the trained network and its gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfxfer.evaluation.metrics import Metrics
from tfxfer.verification.gates import Evidence, GateResult, check_gates
from tfxfer.verification.measure import Measured
from tfxfer.verification.parity import Parity, parity
from tfxfer.verification.reference import Reference


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """One artifact's case."""

    measured: Measured
    parity: Parity
    metrics: Metrics  # of the artifact, on the held-out pictures
    gates: tuple[GateResult, ...]

    @property
    def passed(self) -> bool:
        return not self.why

    @property
    def why(self) -> str:
        """Why the artifact failed; empty where it did not."""
        reasons = [f"{gate.name} {gate.limit:g}: {gate.why}" for gate in self.gates if not gate.passed]
        if self.measured.ops_outside_builtins:
            foreign = ", ".join(self.measured.ops_outside_builtins)
            reasons.append(f"operations that the plain runtime lacks: {foreign}")
        return "; ".join(reasons)

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names, without those of the file itself."""
        latency = self.measured.latency
        return {
            "status": "passed" if self.passed else "failed",
            "why": self.why,
            "ops_outside_builtins": list(self.measured.ops_outside_builtins),
            "accuracy": self.metrics.accuracy,
            "accuracy_drop": self.parity.accuracy_drop,
            "top1_agreement": self.parity.top1_agreement,
            "max_abs_logit_error": self.parity.max_abs_logit_error,
            "mean_abs_logit_error": self.parity.mean_abs_logit_error,
            "latency_ms_p50": latency.p50_ms,
            "latency_ms_p95": latency.p95_ms,
        }


def judge(measured: Measured, reference: Reference, limits: Mapping[str, float], *, size_bytes: int) -> Proof:
    """Hold an artifact against the trained network and against its gates.

    Raises:
        EvaluationError: its answers are not finite.
        GateError: a gate that does not exist.
    """
    predictions = reference.predictions
    found = parity(reference.outputs, measured.outputs, predictions.targets, weights=predictions.weights)
    metrics = reference.score(measured.outputs)
    gates = check_gates(limits, Evidence(found, metrics, size_bytes, measured.latency))
    return Proof(measured, found, metrics, gates)
