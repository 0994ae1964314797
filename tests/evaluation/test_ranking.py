"""Our ranking figures are scikit-learn's, with ties and weights, and far quicker for thousands of classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tfxfer.evaluation.metrics import CONFUSION_CLASSES
from tfxfer.evaluation.ranking import RankingFigures, ranking_figures
from tfxfer.evaluation.score import score
from tfxfer.runtimes.outputs import Outputs


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("places", [2, 5, 1_000_000])
def test_they_are_those_of_scikit_learn(seed: int, places: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 60))
    ranking = random.integers(0, places, count) / places
    positive = random.random(count) < 0.3
    positive[:2] = [True, False]
    weights = random.choice([0.0, 0.5, 1.0, 7.0], count)
    weights[:2] = 1.0
    found = ranking_figures(positive, ranking, weights)
    assert found.roc_auc == pytest.approx(roc_auc_score(positive, ranking, sample_weight=weights), abs=1e-12)
    expected = average_precision_score(positive, ranking, sample_weight=weights)
    assert found.average_precision == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("positive", "weights"),
    [([True, True], [1, 1]), ([False, False], [1, 1]), ([True, False], [1, 0]), ([], [])],
)
def test_nothing_to_rank_has_no_figure(positive: list[bool], weights: list[float]) -> None:
    ranking = np.arange(len(positive), dtype=float)
    found = ranking_figures(np.array(positive, bool), ranking, np.array(weights, float))
    assert found == RankingFigures(None, None)


def test_many_classes_have_figures_but_no_confusion() -> None:
    random = np.random.default_rng(0)
    classes = CONFUSION_CLASSES + 1
    logits = random.normal(size=(40, classes)).astype(np.float32)
    targets = random.integers(0, classes, 40)
    logits[np.arange(30), targets[:30]] = 9.0
    metrics = score(Outputs(logits, logits), targets)
    figures = metrics.as_dict()
    assert figures["confusion"] is None
    assert (metrics.accuracy, len(metrics.per_class)) == (0.75, classes)
    assert sum(entry.support for entry in metrics.per_class) == 40
    assert metrics.per_class[targets[0]].recall == 1.0
