"""Where a file that failed goes wrong: the blocks that int8 hurts, and the images that it answers most differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfxfer.catalogue.decoding import answer
from tfxfer.catalogue.ladder import BUDGETS
from tfxfer.errors import ExportError
from tfxfer.stages.artifacts import Judged
from tfxfer.stages.ladder import Making
from tfxfer.verification.reference import Reference

IMAGES = 10  # that are named
FULL_INT8 = ("litert", "int8")
OF_ITS_OWN = (*BUDGETS, "min_accuracy")  # gates that say nothing of how far a file is from its network


def diagnosed(entry: Judged, making: Making, paths: Sequence[str] | None) -> Judged:
    """A file that is too far from its network with `blocks` and `largest_disagreements` for the report.

    Any other stays as it is: one that passed, or that breaks a budget alone.
    `paths` name the test images; without them their places do.
    """
    if entry.proof is None or all(gate.passed or gate.name in OF_ITS_OWN for gate in entry.proof.gates):
        return entry
    found: dict[str, object] = {"largest_disagreements": _disagreements(entry, making.reference, paths)}
    blocks = _blocks(entry, making)
    advice = entry.written.advice
    if blocks:
        found["blocks"] = [{"name": name, "error": error} for name, error in blocks]
        advice = advice or _advice(blocks)
    return replace(entry, written=replace(entry.written, diagnosis=found, advice=advice))


def _blocks(entry: Judged, making: Making) -> tuple[tuple[str, float], ...]:
    """(block, error) of a full int8 file; nothing of another, or where the quantizer cannot part the blocks."""
    from tfxfer.formats.litert import int8_block_errors

    if (entry.wanted.format, entry.wanted.precision) != FULL_INT8 or making.calibration is None:
        return ()
    try:
        return int8_block_errors(making.tracing.traced, making.calibration, entry.wanted.options)
    except ExportError:  # the file itself was written: the report goes without its blocks
        return ()


def _advice(blocks: Sequence[tuple[str, float]]) -> str:
    name, error = max(blocks, key=lambda block: block[1])
    return (
        f"int8 hurts the block '{name}' most (alone in int8 it moves the logits by {error:.3g} of the largest): "
        "take litert:mixed_int8, which keeps such blocks in float, or set on_failure: ladder, which takes another "
        "precision where that fails too"
    )


def _disagreements(
    entry: Judged, reference: Reference, paths: Sequence[str] | None
) -> list[dict[str, object]]:
    """The images whose logits differ most, with both answers."""
    assert entry.proof is not None
    network, file = reference.outputs, entry.proof.measured.outputs
    errors = np.abs(network.logits.astype(np.float64) - file.logits.astype(np.float64)).max(axis=1)
    worst = np.argsort(-errors, kind="stable")[:IMAGES]

    def said(row: np.ndarray) -> object:
        if reference.task == "regression":
            return float(row[0])
        return answer(row, reference.labels, reference.task, reference.decision)

    return [
        {
            "image": int(index) if paths is None else paths[index],
            "logit_error": float(errors[index]),
            "network": said(network.probabilities[index]),
            "file": said(file.probabilities[index]),
        }
        for index in worst
        if errors[index] > 0
    ]
