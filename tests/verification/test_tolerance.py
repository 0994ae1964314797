"""The tolerance follows what was measured, and never the wish."""

from __future__ import annotations

import pytest

from tfxfer.errors import VerificationError
from tfxfer.verification.tolerance import logit_tolerance


def test_worst_engine_sets_the_scale_for_all() -> None:
    assert logit_tolerance([0.0, 1e-5, 3e-5], 10.0) == pytest.approx(2.4e-4)


def test_floor_and_no_other_engine() -> None:
    assert logit_tolerance([1e-9], 10.0) == pytest.approx(1e-4)
    assert logit_tolerance([0.0], 10.0) == pytest.approx(1e-3)
    assert logit_tolerance([], 10.0) == pytest.approx(1e-3)


@pytest.mark.parametrize(("errors", "largest"), [([float("nan")], 1.0), ([float("inf")], 1.0), ([0.0], -1.0)])
def test_what_is_no_error(errors: list[float], largest: float) -> None:
    with pytest.raises(VerificationError, match="finite"):
        logit_tolerance(errors, largest)
