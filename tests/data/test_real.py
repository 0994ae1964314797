"""Real photographs go through the whole road."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tfxfer.data import admit, open_source, scan, split_records

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("name", "count", "classes", "warnings"),
    [("flowers5", 1000, 5, set()), ("magnetic_tile_defects", 642, 6, {"imbalance"})],
)
def test_real_photographs(
    assets: Path, tmp_path: Path, name: str, count: int, classes: int, warnings: set[str]
) -> None:
    result = scan(open_source(assets / "images" / name), tmp_path, size=(64, 64))
    assert {problem.kind for problem in result.report.problems} == warnings
    splits = split_records(admit(result.report).records, result.report.digests, seed=0)
    assert sum(map(len, splits.named().values())) == count
    for split, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        found = Counter(record.label for record in splits.named()[split])
        assert len(found) == classes
        assert found.total() / count == pytest.approx(share, abs=0.05)
    images = result.select(splits.train, splits.labels).images[:8]
    assert images.std() > 10
