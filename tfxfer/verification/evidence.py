"""What a gate is asked with, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tfxfer.errors import GateError
from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.slices import SliceDrop
from tfxfer.verification.latency import Latency
from tfxfer.verification.parity import Parity


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one artifact when its gates are asked."""

    parity: Parity
    metrics: Metrics  # of the artifact, on the test split
    size_bytes: int
    latency: Latency | None = None
    reference: Metrics | None = None  # of the trained network, on the same images
    slices: tuple[SliceDrop, ...] = ()
    peak_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer; `why` is a sentence for the report."""

    name: str
    limit: float
    value: float | None
    passed: bool
    why: str

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {
            "name": self.name,
            "limit": self.limit,
            "value": self.value,
            "passed": self.passed,
            "why": self.why,
        }


Limits = Mapping[str, float]
Gate = Callable[[Limits, Evidence], GateResult]


def count_words(number: int, noun: str) -> str:
    """ "1 tie", "2 ties"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def not_of_task(gate: str, metrics: Metrics) -> GateError:
    """For a gate on a figure that this task does not have."""
    return GateError(
        f"the gate '{gate}' is not for the task {metrics.task}, whose figures do not have it. "
        "Remove it, or take a gate of this task."
    )
