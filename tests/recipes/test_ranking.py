"""Candidates in order, and what is out of the budget."""

from __future__ import annotations

from tfxfer.recipes.ranking import Budget, Candidate, ranked


def test_the_best_on_validation_comes_first_and_of_equals_the_quicker() -> None:
    rows = ranked(
        [
            Candidate("broken", "failed", "no file"),
            Candidate("good", validation_accuracy=0.9, test_accuracy=0.95, latency_ms_p50=1.0),
            Candidate("slow", validation_accuracy=0.92, test_accuracy=0.8, latency_ms_p50=9.0),
            Candidate("quick", validation_accuracy=0.92, test_accuracy=0.8, latency_ms_p50=2.0),
            Candidate("big", "over budget", "too big", size_bytes=10**9),
        ]
    )
    assert [(row.rank, row.backbone) for row in rows] == [
        (1, "quick"),
        (2, "slow"),
        (3, "good"),
        (None, "big"),
        (None, "broken"),
    ]


def test_a_budget_names_every_limit_that_is_passed() -> None:
    row = Candidate("x", latency_ms_p50=12.5, size_bytes=2000, parameters=500)
    assert Budget().reasons(row) == ()
    assert Budget(12.5, 2000, 500).reasons(row) == ()
    assert Budget(12.0, 1999, 499).reasons(row) == (
        "12.5 ms, more than 12",
        "2,000 bytes, more than 1,999",
        "500 parameters, more than 499",
    )
    assert Budget(max_latency_ms=1.0).reasons(Candidate("not timed")) == ()
