"""Gates of multi-label networks and of regressions."""

from __future__ import annotations

from collections.abc import Mapping

from tfxfer.evaluation.metrics import Metrics, MultiLabelMetrics, RegressionMetrics
from tfxfer.verification.evidence import Evidence, Gate, GateResult, Limits, not_of_task


def average_precision_drop(reference: Metrics | None, metrics: Metrics) -> float | None:
    """Mean average precision of the network minus that of the artifact; None where either is undefined."""
    if not isinstance(reference, MultiLabelMetrics) or not isinstance(metrics, MultiLabelMetrics):
        return None
    if reference.mean_average_precision is None or metrics.mean_average_precision is None:
        return None
    return reference.mean_average_precision - metrics.mean_average_precision


def absolute_error_rise(reference: Metrics | None, metrics: Metrics) -> float | None:
    """By how much the artifact's mean absolute error is larger, as a share of the network's own."""
    if not isinstance(reference, RegressionMetrics) or not isinstance(metrics, RegressionMetrics):
        return None
    rise = metrics.mean_absolute_error - reference.mean_absolute_error
    if reference.mean_absolute_error == 0:
        return 0.0 if rise == 0 else None
    return rise / reference.mean_absolute_error


def _min_mean_average_precision(limits: Limits, evidence: Evidence) -> GateResult:
    name, metrics = "min_mean_average_precision", evidence.metrics
    if not isinstance(metrics, MultiLabelMetrics):
        raise not_of_task(name, metrics)
    value = metrics.mean_average_precision
    if value is None:
        return GateResult(name, limits[name], None, False, "no label occurs in the test split")
    return GateResult(
        name, limits[name], value, value >= limits[name], f"{value:.4f} on {metrics.n} test images"
    )


def _max_mean_average_precision_drop(limits: Limits, evidence: Evidence) -> GateResult:
    name, metrics = "max_mean_average_precision_drop", evidence.metrics
    if not isinstance(metrics, MultiLabelMetrics):
        raise not_of_task(name, metrics)
    drop = average_precision_drop(evidence.reference, metrics)
    if drop is None:
        return GateResult(name, limits[name], None, False, "not defined: no label occurs in the test split")
    why = f"a drop of {drop:.4f} on {metrics.n} test images"
    return GateResult(name, limits[name], drop, drop <= limits[name], why)


def _max_mean_absolute_error(limits: Limits, evidence: Evidence) -> GateResult:
    name, metrics = "max_mean_absolute_error", evidence.metrics
    if not isinstance(metrics, RegressionMetrics):
        raise not_of_task(name, metrics)
    value, (low, high) = metrics.mean_absolute_error, metrics.mean_absolute_error_interval
    why = f"{value:.4g} on {metrics.n} test images, 95 % interval {low:.4g} to {high:.4g}"
    return GateResult(name, limits[name], value, value <= limits[name], why)


def _max_mean_absolute_error_rise(limits: Limits, evidence: Evidence) -> GateResult:
    name, metrics = "max_mean_absolute_error_rise", evidence.metrics
    if not isinstance(metrics, RegressionMetrics):
        raise not_of_task(name, metrics)
    rise = absolute_error_rise(evidence.reference, metrics)
    if rise is None:
        return GateResult(
            name, limits[name], None, False, "the network's own error is 0, the artifact's is not"
        )
    why = f"the error of {metrics.mean_absolute_error:.4g} is {rise:+.2%} of the network's own"
    return GateResult(name, limits[name], rise, rise <= limits[name], why)


TASK_GATES: Mapping[str, Gate] = {
    "min_mean_average_precision": _min_mean_average_precision,
    "max_mean_average_precision_drop": _max_mean_average_precision_drop,
    "max_mean_absolute_error": _max_mean_absolute_error,
    "max_mean_absolute_error_rise": _max_mean_absolute_error_rise,
}
