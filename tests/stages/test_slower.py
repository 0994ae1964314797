"""A precision that is slower than float32 is said to be, with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.formats.test_litert_int8 import plain_network
from tests.stages.test_ladder import TIES, making
from tfxfer.catalogue.formats import default_gates
from tfxfer.stages.artifacts import Judged, Wanted, judged, read_written
from tfxfer.stages.ladder import make
from tfxfer.stages.slower import with_notes


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judged, ...]:
    """float32 and int8 of one network."""
    of, found = making(plain_network()), []
    for precision in ("float32", "int8"):
        folder = tmp_path_factory.mktemp(precision)
        wanted = Wanted("litert", precision, {**default_gates("litert", precision), **TIES})
        make(wanted, of, folder)
        found.append(judged(read_written(wanted, folder), of.reference))
    return tuple(found)


def timed(entry: Judged, p50_ms: float, left: dict[str, int]) -> Judged:
    proof = entry.proof
    assert proof is not None
    latency = replace(proof.measured.latency, p50_ms=p50_ms)
    return replace(
        entry, proof=replace(proof, measured=replace(proof.measured, latency=latency, not_delegated=left))
    )


def test_it_is_said_with_what_xnnpack_left(files: tuple[Judged, ...], tmp_path: Path) -> None:
    plain, integers = timed(files[0], 1.0, {}), timed(files[1], 2.0, {"HARD_SWISH": 18, "QUANTIZE": 1})
    note = str(with_notes([plain, integers])[1].as_dict("x")["note"])
    assert "slower than float32 on this machine (2.00 ms against 1.00)" in note
    assert "XNNPACK did not take HARD_SWISH (18), which" in note


def test_what_is_as_fast_has_no_note(files: tuple[Judged, ...]) -> None:
    plain, integers = timed(files[0], 1.0, {}), timed(files[1], 1.05, {})
    assert all("note" not in entry.as_dict("x") for entry in with_notes([plain, integers]))
