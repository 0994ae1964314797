"""Distances of feature sets: known values, and what they tell apart."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from tfxfer.errors import UsageError
from tfxfer.features.distances import frechet_distance, maximum_mean_discrepancy

RANDOM = np.random.default_rng(0)


def test_the_frechet_distance_is_that_of_the_textbook() -> None:
    x = RANDOM.normal(size=(300, 6)) @ RANDOM.normal(size=(6, 6))
    y = RANDOM.normal(size=(200, 6)) @ RANDOM.normal(size=(6, 6)) + 1
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    wanted = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(y, x) == pytest.approx(wanted, rel=1e-6)


def test_it_holds_with_fewer_rows_than_columns() -> None:
    x = RANDOM.normal(size=(5, 40))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 2) == pytest.approx(4 * 40, rel=1e-9)


def test_the_discrepancy_is_gretton_s_equation() -> None:
    x, y = RANDOM.normal(size=(4, 2)), RANDOM.normal(size=(3, 2)) + 1

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-np.square(a - b).sum() / (2 * 1.5**2)))

    within_x = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    between = np.mean([kernel(a, b) for a in x for b in y])
    assert maximum_mean_discrepancy(x, y, bandwidth=1.5) == pytest.approx(within_x + within_y - 2 * between)


def test_the_discrepancy_tells_another_distribution_from_another_sample() -> None:
    x, same = RANDOM.normal(size=(3_000, 5)), RANDOM.normal(size=(400, 5))
    assert abs(maximum_mean_discrepancy(x, same)) < 0.003
    assert maximum_mean_discrepancy(x, same * 2) > 0.02  # the same mean, another spread


@pytest.mark.parametrize("second", [np.zeros((4, 3)), np.zeros((1, 2)), np.zeros(4)])
def test_what_cannot_be_compared_is_refused(second: np.ndarray) -> None:
    for distance in (frechet_distance, maximum_mean_discrepancy):
        with pytest.raises(UsageError, match="two tables"):
            distance(np.zeros((5, 2)), second)
