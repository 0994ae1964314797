"""A multi-label network's figures, from outputs and targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import even_thresholds
from tfxfer.evaluation.intervals import share_interval
from tfxfer.evaluation.metrics import LabelMetrics, MultiLabelMetrics
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.ranking import ranking_figures
from tfxfer.evaluation.score import label_names, ratio


def score_labels(
    predictions: Predictions, *, labels: Sequence[str] | None = None, decision: Decision | None = None
) -> MultiLabelMetrics:
    """The figures of multi-label predictions; without a decision every threshold is 0.5."""
    outputs, weights = predictions.outputs, predictions.weights
    names = label_names(labels, outputs.logits.shape[1])
    decision = even_thresholds(names) if decision is None else decision
    truth, said = predictions.targets > 0, decision.applies(outputs.probabilities)
    per_label = tuple(
        _label_metrics(
            name,
            threshold,
            truth[:, index],
            said[:, index],
            ranking=outputs.logits[:, index],
            weights=weights,
        )
        for index, (name, threshold) in enumerate(zip(names, decision.thresholds, strict=True))
    )
    exact = (truth == said).all(axis=1)
    share = weights[:, None]
    return MultiLabelMetrics(
        mean_average_precision=_mean(entry.average_precision for entry in per_label),
        f1=ratio(2 * float((share * (truth & said)).sum()), float((share * truth + share * said).sum())),
        macro_f1=_mean(entry.f1 for entry in per_label),
        exact_match=float(np.average(exact, weights=weights)),
        exact_match_interval=share_interval(exact, weights),
        label_accuracy=float(np.average((truth == said).mean(axis=1), weights=weights)),
        loss=float(np.average(_losses(outputs.logits, truth), weights=weights)),
        per_label=per_label,
        n=len(truth),
    )


def _losses(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) mean binary cross-entropy over the labels."""
    wide = logits.astype(np.float64)
    return np.asarray((np.logaddexp(0, wide) - truth * wide).mean(axis=1))


def _label_metrics(
    label: str,
    threshold: float,
    truth: np.ndarray,
    said: np.ndarray,
    *,
    ranking: np.ndarray,
    weights: np.ndarray,
) -> LabelMetrics:
    hits, true, answered = (float(weights[chosen].sum()) for chosen in (truth & said, truth, said))
    ranked = ranking_figures(truth, ranking, weights)
    return LabelMetrics(
        label=label,
        threshold=threshold,
        precision=ratio(hits, answered),
        recall=ratio(hits, true),
        f1=ratio(2 * hits, true + answered),
        support=int(truth.sum()),
        roc_auc=ranked.roc_auc,
        average_precision=ranked.average_precision,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None
