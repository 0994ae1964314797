"""The contract test over 16 families: all formats and precisions written, loaded, audited and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backbones.lively import lively, photographs
from tests.backbones.lively_precisions import KINDS, Kind, measure_kinds
from tests.backbones.test_blocks import FAMILIES

# A mean error that only a broken file exceeds; what integers cost a network of random weights is no promise, and
# the gates judge it on trained ones. The measured figures are in benchmarks/README.md.
LARGEST_ERROR = {"float32": 1e-3, "float16": 0.02, "weight_only_int8": 0.15, "int16x8": 0.15}
# Networks of random weights that amplify rounding (InceptionV3) do so at every precision: weights of 11 bits are
# rounded 2^13 times as coarsely as those of 24, weights of 8 bits 2^3 times as coarsely as those of 11.
AMPLIFIED = {
    "float16": ("float32", 2**13),
    "weight_only_int8": ("float16", 2**3),
    "int16x8": ("float16", 2**3),
}


def largest_error(kind: Kind, found: list[Kind]) -> float:
    """What the mean error of a file may be, given that of the file of the next finer weights."""
    limit = LARGEST_ERROR.get(kind.precision, 1.0)
    finer, coarser = AMPLIFIED.get(kind.precision, ("", 0))
    own = [other.mean_error for other in found if (other.format, other.precision) == (kind.format, finer)]
    return max(limit, *(coarser * error for error in own)) if own else limit


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
        or kind.mean_error > largest_error(kind, found)
    ]
    assert not broken
