"""Decision rules: what they answer, what they refuse, and that they survive being written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tfxfer.catalogue.decision import Decision, read_decision
from tfxfer.catalogue.decoding import Decoding, answer
from tfxfer.errors import UsageError

LABELS = ("a", "b", "c")
THRESHOLD = Decision("threshold", LABELS, (0.3,), "c", why="because")
COSTS = Decision("costs", LABELS, costs=((0, 1, 9), (1, 0, 9), (1, 1, 0)))
THRESHOLDS = Decision("thresholds", LABELS, (0.2, 0.5, 0.8))


@pytest.mark.parametrize("decision", [THRESHOLD, COSTS, THRESHOLDS], ids=lambda each: each.rule)
def test_what_is_written_is_read_back(decision: Decision) -> None:
    assert read_decision(json.loads(json.dumps(decision.as_dict())), LABELS) == decision


def test_answers() -> None:
    rows = np.array([[0.5, 0.2, 0.3], [0.1, 0.61, 0.29], [0.05, 0.05, 0.9]])
    assert THRESHOLD.answers(rows).tolist() == [2, 1, 2]
    assert COSTS.answers(rows).tolist() == [0, 1, 2]  # 9 for a false c: said only where it is all but sure
    assert THRESHOLDS.applies(rows).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    assert answer(rows[0], LABELS, "classification", None) == "a"
    assert answer(rows[0], LABELS, "classification", THRESHOLD) == "c"
    assert answer(rows[0], LABELS, "multi_label", THRESHOLDS) == ["a"]
    assert answer(rows[2], LABELS, "multi_label", None) == ["c"]
    assert answer(rows[0], LABELS, "regression", None) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Decision("threshold", LABELS, (0.3,), "d"),
        lambda: Decision("threshold", LABELS, (1.3,), "a"),
        lambda: Decision("thresholds", LABELS, (0.3,)),
        lambda: Decision("costs", LABELS, costs=((0.0, 1.0),)),
        lambda: Decision("costs", LABELS, costs=((0, 1, -1), (1, 0, 1), (1, 1, 0))),
        lambda: Decision("vote", LABELS),
        lambda: read_decision({"rule": "thresholds", "thresholds": {"a": 0.5}}, LABELS),
        lambda: read_decision({"rule": "threshold"}, LABELS),
        lambda: read_decision({"rule": "threshold", "threshold": "x", "positive": "a"}, LABELS),
        lambda: read_decision({"rule": "costs", "costs": [1]}, LABELS),
    ],
)
def test_what_cannot_be_meant_is_refused(make: object) -> None:
    with pytest.raises(UsageError, match="Received"):
        make()  # type: ignore[operator]


def test_decoding_is_exact_at_the_ends() -> None:
    logits = np.array([[-1000.0, 0.0, 1000.0]], np.float32)
    with np.errstate(over="raise"):
        assert Decoding("multi_label")(logits).tolist() == [[0.0, 0.5, 1.0]]
        assert Decoding()(logits).tolist() == [[0.0, 0.0, 1.0]]
    values = Decoding("regression", (2.0, 1.0, 0.5), (10.0, 0.0, -1.0))(np.ones((1, 3), np.float32))
    assert values.tolist() == [[12.0, 1.0, -0.5]]
