"""Gates on the worst slice: a good average must not hide whom an artifact fails."""

from __future__ import annotations

from collections.abc import Mapping

from tfxfer.errors import GateError
from tfxfer.evaluation.metrics import ClassificationMetrics
from tfxfer.evaluation.slices import SliceDrop
from tfxfer.verification.evidence import Evidence, Gate, GateResult, Limits, not_of_task


def _max_slice_drop(limits: Limits, evidence: Evidence) -> GateResult:
    """The largest drop of any slice that is more than one image; of a regression, as a share of the network's error."""
    name = "max_slice_drop"
    slices = _slices(name, evidence)
    judged = [entry for entry in slices if _is_telling(entry, evidence)]
    worst = max(judged or slices, key=lambda entry: _drop(entry, evidence))
    drop = _drop(worst, evidence)
    passed = drop <= limits[name] or not judged
    low, high = worst.interval
    why = (
        f"{worst.name} = {worst.value}: {drop:.4f} on {worst.n} images (95 % interval of the difference "
        f"{low:.4f} to {high:.4f}), the worst of {len(slices)} slices"
    )
    if passed and drop > limits[name]:
        why += "; one image, which is the luck of the draw"
    return GateResult(name, limits[name], drop, passed, why)


def _min_slice_accuracy(limits: Limits, evidence: Evidence) -> GateResult:
    name = "min_slice_accuracy"
    if not isinstance(evidence.metrics, ClassificationMetrics):
        raise not_of_task(name, evidence.metrics)
    worst = min(_slices(name, evidence), key=lambda entry: entry.score)
    why = f"{worst.name} = {worst.value}: {worst.score:.4f} on {worst.n} images"
    return GateResult(name, limits[name], worst.score, worst.score >= limits[name], why)


def _slices(gate: str, evidence: Evidence) -> tuple[SliceDrop, ...]:
    if not evidence.slices:
        raise GateError(f"{gate} needs slices. Received: none. Set evaluation.slices, or remove the gate.")
    return evidence.slices


def _is_telling(entry: SliceDrop, evidence: Evidence) -> bool:
    """Whether it is more than one image that was lost; a mean of errors has no such smallest step."""
    return evidence.metrics.task == "regression" or entry.images_lost > 1 + 1e-9


def _drop(entry: SliceDrop, evidence: Evidence) -> float:
    if evidence.metrics.task != "regression":
        return entry.drop
    before = entry.score - entry.drop
    return entry.drop / before if before > 0 else float("inf") if entry.drop > 0 else 0.0


SLICE_GATES: Mapping[str, Gate] = {
    "max_slice_drop": _max_slice_drop,
    "min_slice_accuracy": _min_slice_accuracy,
}
