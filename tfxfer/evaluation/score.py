"""A classifier's figures, from outputs and targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import confusion_matrix

from tfxfer.catalogue.decision import Decision
from tfxfer.errors import EvaluationError
from tfxfer.evaluation.calibration import expected_calibration_error
from tfxfer.evaluation.decided import decision_metrics
from tfxfer.evaluation.intervals import effective_sample_size, wilson_interval
from tfxfer.evaluation.metrics import CONFUSION_CLASSES, ClassificationMetrics, ClassMetrics
from tfxfer.evaluation.predictions import Predictions, check_outputs, class_indices
from tfxfer.evaluation.ranking import ranking_figures
from tfxfer.runtimes.outputs import Outputs


def score(
    outputs: Outputs,
    targets: np.ndarray,
    *,
    labels: Sequence[str] | None = None,
    weights: np.ndarray | None = None,
) -> ClassificationMetrics:
    """The figures of outputs (N, classes) against targets, class indices (N,) or one-hot (N, classes).

    The predicted class is the largest logit, the first one where two are equal. Without `labels` the
    classes are called "0", "1", ...

    Raises:
        DataError: targets or weights that do not fit.
        EvaluationError: outputs that are not finite, or another number of classes than labels.
    """
    check_outputs(outputs)
    truth = class_indices(np.asarray(targets), outputs.logits.shape[1])
    ones = np.ones(len(truth))
    return score_predictions(Predictions(outputs, truth, ones if weights is None else weights), labels=labels)


def score_predictions(
    predictions: Predictions, *, labels: Sequence[str] | None = None, decision: Decision | None = None
) -> ClassificationMetrics:
    """The figures of predictions already collected and checked."""
    outputs, targets, weights = predictions.outputs, predictions.targets, predictions.weights
    names = label_names(labels, outputs.logits.shape[1])
    log_probabilities = log_softmax(outputs.logits)
    predicted = outputs.logits.argmax(axis=1)
    correct = predicted == targets
    accuracy = float(np.average(correct, weights=weights))
    effective = effective_sample_size(weights)
    confidence = np.exp(log_probabilities.max(axis=1))
    per_class = _each_class(names, predicted, log_probabilities, predictions)
    return ClassificationMetrics(
        accuracy=accuracy,
        accuracy_interval=wilson_interval(accuracy * effective, effective),
        loss=float(np.average(-log_probabilities[np.arange(len(targets)), targets], weights=weights)),
        macro_f1=float(np.mean([entry.f1 for entry in per_class if entry.f1 is not None])),
        expected_calibration_error=expected_calibration_error(confidence, correct, weights),
        per_class=per_class,
        confusion=_confusion(targets, predicted, weights, len(names)),
        n=len(targets),
        decision=None if decision is None else decision_metrics(predictions, decision),
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax of every row, in float64: no overflow, and no ties where a float32
    probability would have saturated."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def label_names(labels: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """The names of the outputs; numbers where nobody has named them."""
    if labels is None:
        return tuple(str(index) for index in range(classes))
    if len(labels) != classes:
        raise EvaluationError(
            f"there must be one label for each of {classes} classes. Received: {len(labels)} labels."
        )
    return tuple(labels)


def _confusion(
    targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray, classes: int
) -> tuple[tuple[float, ...], ...]:
    """[target][predicted]; () where the square of the classes would not fit into memory."""
    if classes > CONFUSION_CLASSES:
        return ()
    found = confusion_matrix(targets, predicted, labels=np.arange(classes), sample_weight=weights)
    return tuple(tuple(_whole(count) for count in row) for row in found)


def _each_class(
    names: Sequence[str], predicted: np.ndarray, log_probabilities: np.ndarray, predictions: Predictions
) -> tuple[ClassMetrics, ...]:
    targets, weights = predictions.targets, predictions.weights
    right = predicted == targets
    hits, true, said = (
        np.bincount(classes, weights=share, minlength=len(names)).tolist()
        for classes, share in ((targets[right], weights[right]), (targets, weights), (predicted, weights))
    )
    support = np.bincount(targets, minlength=len(names)).tolist()
    found = []
    for index, name in enumerate(names):
        ranked = ranking_figures(targets == index, log_probabilities[:, index], weights)
        found.append(
            ClassMetrics(
                label=name,
                precision=ratio(hits[index], said[index]),
                recall=ratio(hits[index], true[index]),
                f1=ratio(2 * hits[index], true[index] + said[index]),
                support=support[index],
                roc_auc=ranked.roc_auc,
                average_precision=ranked.average_precision,
            )
        )
    return tuple(found)


def ratio(part: float, whole: float) -> float | None:
    """A share, or None of nothing."""
    return part / whole if whole > 0 else None


def _whole(count: float) -> float:
    return int(count) if float(count).is_integer() else float(count)
