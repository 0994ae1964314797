"""Whether transfer helps, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.recipes.verdict import Opponent, Verdict, accuracy_of, judge_transfer, no_verdict

TRUTH = np.zeros(100, np.int64)


def answers(right: int) -> np.ndarray:
    """The first `right` of 100 are right."""
    return (np.arange(100) >= right).astype(np.int64)


def judged(ours: int, theirs: int, weights: np.ndarray | None = None) -> Verdict:
    return judge_transfer(
        answers(ours), Opponent("raw_pixels", "plain pixels", answers(theirs)), TRUTH, weights
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "transfer"),
    [(90, 60, "helps"), (60, 90, "hurts"), (81, 80, "neutral"), (80, 80, "neutral")],
)
def test_the_interval_decides(ours: int, theirs: int, transfer: str) -> None:
    verdict = judged(ours, theirs)
    assert verdict.transfer == transfer
    assert verdict.gain == pytest.approx((ours - theirs) / 100)
    low, high = verdict.interval
    assert low < verdict.gain < high or ours == theirs
    assert "plain pixels" in verdict.why
    assert "on 100 pictures" in verdict.why
    assert verdict.as_dict()["interval"] == [low, high]


def test_a_few_heavy_pictures_prove_less_than_many() -> None:
    weights = np.where((np.arange(100) >= 60) & (np.arange(100) < 64), 50.0, 1.0)
    even, heavy = judged(90, 60), judged(90, 60, weights)
    assert heavy.gain > even.gain
    assert heavy.interval[1] - heavy.interval[0] > even.interval[1] - even.interval[0]
    assert accuracy_of(answers(60), TRUTH, weights)[0] == pytest.approx(60 / 296)


def test_without_a_comparison_there_is_a_reason() -> None:
    assert no_verdict("random weights").as_dict() == {
        "transfer": None,
        "gain": None,
        "interval": None,
        "against": None,
        "why": "random weights",
    }
