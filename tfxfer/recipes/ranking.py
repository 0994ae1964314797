"""Which backbone: candidates within a budget, ranked by how well a linear probe on their features validates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Status = Literal["ranked", "over budget", "failed"]
LAST = float("inf")


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a backbone may cost; None is no limit."""

    max_latency_ms: float | None = None  # median, one picture, float32 LiteRT file, this machine
    max_size_bytes: int | None = None  # of that file
    max_parameters: int | None = None  # of the backbone

    def reasons(self, row: Candidate) -> tuple[str, ...]:
        """Why a candidate is out of the budget, limit by limit; () where it is within."""
        limits = (
            ("ms", row.latency_ms_p50, self.max_latency_ms),
            ("bytes", row.size_bytes, self.max_size_bytes),
            ("parameters", row.parameters, self.max_parameters),
        )
        return tuple(
            f"{value:,.4g} {unit}, more than {limit:,.4g}"
            if unit == "ms"
            else f"{value:,} {unit}, more than {limit:,}"
            for unit, value, limit in limits
            if value is not None and limit is not None and value > limit
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One backbone with its figures; None is not measured, and `why` says why."""

    backbone: str  # as it was asked for
    status: Status = "ranked"
    why: str = ""
    rank: int | None = None
    validation_accuracy: float | None = None  # of the linear probe; the ranking goes by it
    test_accuracy: float | None = None
    test_accuracy_interval: tuple[float, float] | None = None  # 95 %, Wilson
    latency_ms_p50: float | None = None
    size_bytes: int | None = None
    parameters: int | None = None
    image_size: tuple[int, int] | None = None  # (H, W)
    weights: str | None = None
    source: str | None = None
    licence: str | None = None
    seconds: float | None = None  # that measuring it took

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def ranked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Best validation accuracy first, of equals the quicker one; then what is over budget, then what failed."""
    order = {"ranked": 0, "over budget": 1, "failed": 2}
    found = sorted(candidates, key=lambda row: (order[row.status], *_merit(row)))
    return tuple(
        replace(row, rank=number if row.status == "ranked" else None)
        for number, row in enumerate(found, start=1)
    )


def _merit(row: Candidate) -> tuple[float, float]:
    accuracy = -1.0 if row.validation_accuracy is None else row.validation_accuracy
    return -accuracy, LAST if row.latency_ms_p50 is None else row.latency_ms_p50
