"""One function that scores the trained network and every artifact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.predictions import Predictor, collect
from tfxfer.evaluation.score import score_predictions


def evaluate(predict: object, data: Iterable[object], *, labels: Sequence[str] | None = None) -> Metrics:
    """Score a Network, a Runtime, a keras.Model or a callable on batches (images, targets[, weights]).

    A tf.data.Dataset is such an iterable. Targets are class indices (N,) or one-hot (N, classes). A
    keras.Model may give logits, probabilities (rows that add up to one), or a dict of both. `labels`
    name the classes; without them those of the Network or the Runtime are used, else "0", "1", ...

    Raises:
        DataError: no batch, an endless data set, or targets that do not fit the classes.
        EvaluationError: outputs that are not (N, classes), or not finite.
    """
    if labels is None and isinstance(predict, Predictor):
        labels = predict.labels
    return score_predictions(collect(predict, data), labels=labels)
