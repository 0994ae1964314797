"""One function that scores the trained network and every artifact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.predictions import HasTask, Predictor, collect
from tfxfer.evaluation.scoring import Scoring


def evaluate(
    predict: object,
    data: Iterable[object],
    *,
    labels: Sequence[str] | None = None,
    task: TaskName | None = None,
    decision: Decision | None = None,
) -> Metrics:
    """Score a Network, a Runtime, a keras.Model or a callable on batches (images, targets[, weights]).

    A tf.data.Dataset is such an iterable. Targets are class indices (N,) or one-hot (N, classes); of a
    multi-label task (N, labels) zeros and ones, of a regression (N, labels) values. A keras.Model may give
    logits, probabilities, or a dict of both. `labels` name the outputs; without them those of the Network or
    the Runtime are used, else "0", "1", ... `task` is that of the Network or the Runtime, else
    classification. `decision` is scored beside the most probable class, or instead of thresholds of 0.5.

    Raises:
        DataError: no batch, an endless data set, or targets that do not fit the task.
        EvaluationError: outputs that are not (N, labels), or not finite.
    """
    if labels is None and isinstance(predict, Predictor):
        labels = predict.labels
    if task is None:
        task = predict.task if isinstance(predict, HasTask) else "classification"
    scoring = Scoring(task, None if labels is None else tuple(labels), decision)
    return scoring.metrics(collect(predict, data, task))
