"""A regression's figures, from values and targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.evaluation.intervals import mean_interval
from tfxfer.evaluation.metrics import RegressionMetrics, ValueMetrics
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.score import label_names


def score_values(
    predictions: Predictions, *, labels: Sequence[str] | None = None, decision: Decision | None = None
) -> RegressionMetrics:
    """The figures of a regression's values, in the unit of its targets; `decision` has no meaning here."""
    del decision
    values, weights = predictions.outputs.probabilities.astype(np.float64), predictions.weights
    names = label_names(labels, values.shape[1])
    errors = values - predictions.targets
    absolute = np.abs(errors).mean(axis=1)
    per_value = tuple(
        _value_metrics(name, errors[:, index], predictions.targets[:, index], weights)
        for index, name in enumerate(names)
    )
    explained = [entry.r2 for entry in per_value if entry.r2 is not None]
    return RegressionMetrics(
        mean_absolute_error=float(np.average(absolute, weights=weights)),
        mean_absolute_error_interval=mean_interval(absolute, weights),
        root_mean_squared_error=float(np.sqrt(np.average(np.square(errors).mean(axis=1), weights=weights))),
        r2=float(np.mean(explained)) if len(explained) == len(per_value) else None,
        per_value=per_value,
        n=len(values),
    )


def _value_metrics(label: str, errors: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> ValueMetrics:
    squared = float(np.average(np.square(errors), weights=weights))
    mean = np.average(targets, weights=weights)
    variance = float(np.average(np.square(targets - mean), weights=weights))
    return ValueMetrics(
        label=label,
        mean_absolute_error=float(np.average(np.abs(errors), weights=weights)),
        root_mean_squared_error=squared**0.5,
        r2=1 - squared / variance if variance > 0 else None,
        mean_error=float(np.average(errors, weights=weights)),
    )
