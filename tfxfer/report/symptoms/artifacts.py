"""Symptoms of the files: what precision costs, and where it does not pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Advice
from tfxfer.report.finished import FinishedRun, number, rows
from tfxfer.report.gates import missed_gates
from tfxfer.report.tasks import artifact_name, task_words

SLOWER = 1.2
BUDGETS = ("max_size_bytes", "max_latency_ms_p95", "max_peak_memory_bytes")


def failed_precision(run: FinishedRun) -> Iterator[Advice]:
    """A quantised file whose answers fail where another precision of the same format holds."""
    artifacts = rows(run.report, "artifacts")
    for index, entry in enumerate(artifacts):
        gates = [name for name in _missed(run, entry) if name not in BUDGETS]
        if entry.get("precision") == "float32" or not gates:
            continue
        better = _smallest_passed(artifacts, entry)
        other = (
            "Export float16 or float32 beside it"
            if better is None
            else f"Take {artifact_name(better)} ({words.size(number(better, 'size_bytes'))}), which holds its gates"
        )
        yield Advice(
            symptom=f"{artifact_name(entry)} answers worse than the trained network: {words.listed(gates)}.",
            cause="Fewer bits move the logits; networks with swish or squeeze-and-excite lose most.",
            remedy=f"{other}; or calibrate with more training images, or set a gate that the product can bear.",
            figure=f"artifacts[{index}].{task_words(run).change}, gates[]",
        )


def missed_budget(run: FinishedRun) -> Iterator[Advice]:
    """A file that is too large, too slow or too hungry."""
    for index, entry in enumerate(rows(run.report, "artifacts")):
        gates = [name for name in _missed(run, entry) if name in BUDGETS]
        if not gates:
            continue
        yield Advice(
            symptom=f"{artifact_name(entry)} is over its budget: {words.listed(gates)}.",
            cause="The backbone, its input size or the precision is too large for the limit.",
            remedy="A smaller precision; else a smaller backbone: options.alpha, backbone.until, image_size "
            "(tfxfer compare CONFIG --backbones ranks them within a budget).",
            figure=f"artifacts[{index}]." + ("size_bytes" if "max_size_bytes" in gates else "latency_ms_p95"),
        )


def _missed(run: FinishedRun, entry: Mapping[str, Any]) -> list[str]:
    """The names of the gates that a file does not hold."""
    return [str(gate.get("name")) for gate in missed_gates(run.report, artifact_name(entry))]


def _smallest_passed(
    artifacts: list[Mapping[str, Any]], failed: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    passed = [e for e in artifacts if e.get("status") == "passed" and e.get("format") == failed.get("format")]
    return min(passed, key=lambda entry: number(entry, "size_bytes") or 0.0, default=None)


def slower_than_float(run: FinishedRun) -> Iterator[Advice]:
    """A smaller precision that is slower than float32 of the same format on this machine."""
    artifacts = rows(run.report, "artifacts")
    floats = {
        e.get("format"): number(e, "latency_ms_p50") for e in artifacts if e.get("precision") == "float32"
    }
    for index, entry in enumerate(artifacts):
        own, plain = number(entry, "latency_ms_p50"), floats.get(entry.get("format"))
        if entry.get("precision") == "float32" or own is None or plain is None or own < SLOWER * plain:
            continue
        yield Advice(
            symptom=f"{artifact_name(entry)} takes {words.milliseconds(own)}, float32 {words.milliseconds(plain)}.",
            cause="Operations of this precision are not all taken by the fast kernels of this machine's runtime.",
            remedy="Choose by the latency on the device that you ship to, not by the number of bits.",
            figure=f"artifacts[{index}].latency_ms_p50",
        )
