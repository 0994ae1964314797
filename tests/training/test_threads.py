"""A solver's threads of linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tests.training.test_solve import examples
from tfxfer.training import solve as module
from tfxfer.training.threads import WORTH_SHARING, solver_threads


def blas_threads() -> list[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_a_small_problem_has_one_thread_and_leaves_the_others_as_they_were() -> None:
    before = blas_threads()
    with solver_threads(WORTH_SHARING - 1):
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
    with solver_threads(WORTH_SHARING):
        assert blas_threads() == before


def test_a_small_head_is_solved_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Spy(module.LogisticRegression):
        def fit(self, *arguments: object, **options: object) -> Spy:
            seen.extend(blas_threads())
            return super().fit(*arguments, **options)

    monkeypatch.setattr(module, "LogisticRegression", Spy)
    module.solve(examples(40, 2, seed=0), examples(20, 2, seed=1))
    assert set(seen) == {1}
