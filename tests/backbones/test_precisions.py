"""The contract test over 16 families: all formats and precisions written, loaded, audited and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backbones.lively import lively, photographs
from tests.backbones.lively_precisions import KINDS, measure_kinds
from tests.backbones.test_blocks import FAMILIES

# A mean error that only a broken file exceeds; what integers cost a network of random weights is no promise, and
# the gates judge it on trained ones. The measured figures are in benchmarks/README.md.
LARGEST_ERROR = {"float32": 1e-3, "float16": 0.02, "weight_only_int8": 0.15, "int16x8": 0.15}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_kind_is_written_and_runs_on_built_in_operations(name: str, tmp_path: Path) -> None:
    photos = photographs(f"keras/{name}")
    found = list(measure_kinds(lively(f"keras/{name}", photos), photos, tmp_path))
    assert [(kind.format, kind.precision) for kind in found] == KINDS
    broken = [
        kind
        for kind in found
        if (kind.why and "no mixture" not in kind.why and "a mixture of int8" not in kind.why)
        or kind.foreign
        or kind.mean_error > LARGEST_ERROR.get(kind.precision, 1.0)
    ]
    assert not broken
