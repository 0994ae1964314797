"""Statistics of held-out pictures: what they measure, how they are kept, when a difference counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfxfer.bundle.statistics import (
    NAME,
    detectable,
    drifts,
    output_values,
    picture_values,
    read_statistics,
    statistics_of,
    write_statistics,
)
from tfxfer.errors import BundleError

RANDOM = np.random.default_rng(0)


def test_what_is_measured_of_a_picture() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    images[1] = 200
    images[2, :, ::2, 0] = 100  # red stripes
    found = picture_values(images)
    assert found["brightness"] == pytest.approx([0, 200, 0.299 * 50], rel=1e-4)
    assert found["contrast"] == pytest.approx([0, 0, 0.299 * 50], abs=1e-3)
    assert found["colour"] == pytest.approx([0, 0, 50])
    assert found["sharpness"] == pytest.approx([0, 0, 0.299 * 100 / 2], abs=1e-3)


def test_what_is_measured_of_answers() -> None:
    probabilities = np.array([[0.2, 0.8], [0.6, 0.4]])
    found = output_values(np.log(probabilities), probabilities, ("a", "b"), regression=False)
    assert found["confidence"].tolist() == [0.8, 0.6]
    assert set(found) == {"confidence", "logit of a", "logit of b"}
    assert set(output_values(probabilities, probabilities, ("a", "b"), regression=True)) == {
        "logit of a",
        "logit of b",
    }


def test_they_are_kept_to_the_byte_and_read_again(tmp_path: Path) -> None:
    few = statistics_of({"brightness": RANDOM.normal(size=10)})
    many = statistics_of({"brightness": RANDOM.normal(size=3_000)})
    assert (len(few.quantiles["brightness"]), len(many.quantiles["brightness"])) == (10, 256)
    write_statistics(tmp_path, many)
    first = (tmp_path / NAME).read_bytes()
    assert read_statistics(tmp_path) == many
    write_statistics(tmp_path, many)
    assert (tmp_path / NAME).read_bytes() == first


def test_another_sample_has_not_drifted_and_another_distribution_has() -> None:
    false_alarms = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        before = statistics_of({name: random.normal(size=150) for name in "abcdef"})
        false_alarms += any(
            entry.drifted for entry in drifts(before, {name: random.normal(size=200) for name in "abcdef"})
        )
    assert false_alarms <= 1
    now = {name: RANDOM.normal(size=200) for name in "abcdef"} | {
        "c": 1 + RANDOM.normal(size=200),
        "d": 3 * RANDOM.normal(size=200),
    }
    found = drifts(before, now)
    assert [entry.statistic for entry in found if entry.drifted] == ["c", "d"]
    assert found[2].shift == pytest.approx(1, abs=0.4)


def test_a_tiny_difference_does_not_count_however_sure_it_is() -> None:
    before = statistics_of({"a": RANDOM.normal(size=50_000)})
    (found,) = drifts(before, {"a": 0.05 + RANDOM.normal(size=50_000)})
    assert found.p_value < 1e-6
    assert not found.drifted
    assert detectable(before, 50_000) == 0.1
    assert detectable(before, 30) > 0.2


@pytest.mark.parametrize(
    "text", [None, "{}", '{"pictures": 0, "quantiles": {}, "mean": {}, "deviation": {}}', "[]"]
)
def test_what_is_no_statistics_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / NAME).write_text(text)
    with pytest.raises(BundleError, match=r"statistics\.json"):
        read_statistics(tmp_path)
