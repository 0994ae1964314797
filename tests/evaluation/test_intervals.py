"""Intervals against published values and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.evaluation.intervals import paired_difference_interval, rate_upper_bound, wilson_interval


def test_wilson_matches_the_values_in_newcombe_1998() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_nothing_tested_proves_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert rate_upper_bound(0, 0) == 1.0
    assert paired_difference_interval(0, 0, 0) == (-1.0, 1.0)


def test_rule_of_three() -> None:
    assert rate_upper_bound(0, 300) == pytest.approx(3 / 300, rel=0.01)
    assert rate_upper_bound(3, 3) == 1.0


def test_upper_bound_with_events_is_clopper_pearson() -> None:
    # At the bound, 2 events or fewer among 100 have a probability of 5 %.
    bound = rate_upper_bound(2, 100)
    tail = sum(_binomial(100, k) * bound**k * (1 - bound) ** (100 - k) for k in range(3))
    assert tail == pytest.approx(0.05, abs=1e-9)


def test_paired_interval_covers_the_truth_in_simulation() -> None:
    random = np.random.default_rng(0)
    counts = random.multinomial(150, [0.05, 0.02, 0.93], size=2000)
    intervals = [paired_difference_interval(first, second, 150) for first, second, _ in counts]
    covered = np.mean([low <= 0.03 <= high for low, high in intervals])
    assert 0.93 <= covered <= 0.99


def _binomial(n: int, k: int) -> float:
    from math import comb

    return comb(n, k)
