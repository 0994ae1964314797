"""The judgement on one artifact: what was measured, held against the trained network and its gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tfxfer.evaluation.metrics import ClassificationMetrics, Metrics, MultiLabelMetrics, RegressionMetrics
from tfxfer.evaluation.slices import SliceDrop
from tfxfer.verification.evidence import Evidence, GateResult
from tfxfer.verification.gates import check_gates
from tfxfer.verification.measure import Measured
from tfxfer.verification.parity import Parity, parity
from tfxfer.verification.reference import Reference
from tfxfer.verification.task_gates import absolute_error_rise, average_precision_drop


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """One artifact's case."""

    measured: Measured
    parity: Parity
    metrics: Metrics  # of the artifact, on the held-out pictures
    gates: tuple[GateResult, ...]
    reference: Metrics  # of the trained network, on the same pictures
    slices: tuple[SliceDrop, ...] = ()

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
        latency, peak = self.measured.latency, self.measured.peak_memory_bytes
        return {
            "status": "passed" if self.passed else "failed",
            "why": self.why,
            "ops_outside_builtins": list(self.measured.ops_outside_builtins),
            **self._task_figures(),
            "max_abs_logit_error": self.parity.max_abs_logit_error,
            "mean_abs_logit_error": self.parity.mean_abs_logit_error,
            "latency_ms_p50": latency.p50_ms,
            "latency_ms_p95": latency.p95_ms,
            **({"not_delegated": dict(self.measured.not_delegated)} if self.measured.not_delegated else {}),
            **({"float_islands": list(self.measured.float_islands)} if self.measured.float_islands else {}),
            **({} if peak is None else {"peak_memory_bytes": peak}),
            **({"slices": [entry.as_dict() for entry in self.slices]} if self.slices else {}),
        }

    def _task_figures(self) -> dict[str, object]:
        """The figures that depend on the task."""
        decisions = self.parity.decisions
        agreement = {} if decisions is None else {"decision_agreement": decisions.agreement}
        if isinstance(self.metrics, ClassificationMetrics):
            decided = {} if self.metrics.decision is None else {"decision": asdict(self.metrics.decision)}
            interval = self.parity.accuracy_drop_interval
            return {
                "accuracy": self.metrics.accuracy,
                "accuracy_drop": self.parity.accuracy_drop,
                **({} if interval is None else {"accuracy_drop_interval": list(interval)}),
                "top1_agreement": self.parity.top1_agreement,
                **agreement,
                **decided,
            }
        if isinstance(self.metrics, MultiLabelMetrics):
            return {
                "mean_average_precision": self.metrics.mean_average_precision,
                "mean_average_precision_drop": average_precision_drop(self.reference, self.metrics),
                "f1": self.metrics.f1,
                "exact_match": self.metrics.exact_match,
                **agreement,
            }
        assert isinstance(self.metrics, RegressionMetrics)
        return {
            "mean_absolute_error": self.metrics.mean_absolute_error,
            "mean_absolute_error_rise": absolute_error_rise(self.reference, self.metrics),
            "root_mean_squared_error": self.metrics.root_mean_squared_error,
            "r2": self.metrics.r2,
        }


def judge(measured: Measured, reference: Reference, limits: Mapping[str, float], *, size_bytes: int) -> Proof:
    """Hold an artifact against the trained network and against its gates.

    Raises:
        EvaluationError: its answers are not finite.
        GateError: a gate that does not exist.
    """
    predictions = reference.predictions
    found = parity(
        reference.outputs,
        measured.outputs,
        predictions.targets,
        weights=predictions.weights,
        scoring=reference.scoring,
    )
    metrics, slices = reference.score(measured.outputs), reference.slice_drops(measured.outputs)
    evidence = Evidence(
        found,
        metrics,
        size_bytes,
        measured.latency,
        reference.metrics,
        slices,
        measured.peak_memory_bytes,
    )
    return Proof(measured, found, metrics, check_gates(limits, evidence), reference.metrics, slices)
