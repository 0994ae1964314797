"""A precision that is slower than float32 here is said to be, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfxfer.stages.artifacts import Judged

SLOWER = 1.1  # times float32's latency: less is the noise of two measurements

REASONS = {
    "dynamic_int8": "activations are quantised anew for every picture",
    "int16x8": "LiteRT's own kernels run 16-bit activations, one product at a time",
    "weight_only_int4": "weights of 4 bits are unpacked for every picture",
}


def with_notes(artifacts: Sequence[Judged]) -> tuple[Judged, ...]:
    """The files, each that is slower than float32 of its format with a note that says so and why."""
    plain = {
        entry.wanted.format: entry.proof.measured.latency.p50_ms
        for entry in artifacts
        if entry.proof is not None and entry.wanted.precision == "float32"
    }
    return tuple(_noted(entry, plain.get(entry.wanted.format)) for entry in artifacts)


def _noted(entry: Judged, plain_ms: float | None) -> Judged:
    if entry.proof is None or plain_ms is None or entry.wanted.precision == "float32":
        return entry
    own_ms = entry.proof.measured.latency.p50_ms
    if own_ms <= SLOWER * plain_ms:
        return entry
    note = f"slower than float32 on this machine ({own_ms:.2f} ms against {plain_ms:.2f}): {_reason(entry)}"
    return replace(entry, written=replace(entry.written, note=note))


def _reason(entry: Judged) -> str:
    assert entry.proof is not None
    known = REASONS.get(entry.wanted.precision)
    left = entry.proof.measured.not_delegated
    own = ", ".join(f"{name} ({count})" for name, count in left.items() if name not in ("QUANTIZE", "CAST"))
    if known is not None:
        return known
    if own:
        return f"XNNPACK did not take {own}, which cut the graph into pieces"
    return "the steps between integers and floats cost more than the products save"
