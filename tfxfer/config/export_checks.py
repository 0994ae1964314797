"""Which keys of an export suit its format and precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfxfer.catalogue.formats import CALIBRATED, GRANULAR
from tfxfer.catalogue.ladder import CHOICES, RUNGS
from tfxfer.catalogue.write_options import OPSETS
from tfxfer.config.document import Problem
from tfxfer.config.schema import ExportConfig


def has_ladder(export: ExportConfig) -> bool:
    """Whether other precisions may take the place of the one that is asked for."""
    return export.precision in CHOICES or export.on_failure == "ladder"


def needs_calibration(export: ExportConfig) -> bool:
    """Whether training images are needed to write it, or a rung of its ladder."""
    return export.precision in CALIBRATED or has_ladder(export)


def check_ladders(exports: Sequence[ExportConfig]) -> Iterator[Problem]:
    """A ladder has rungs, is asked for once, and no file is chosen twice."""
    taken: set[tuple[str, str]] = set()
    for index, export in enumerate(exports):
        place = f"exports[{index}]"
        if export.on_failure == "ladder" and export.precision not in RUNGS.get(export.format, ()):
            yield Problem(
                ("exports", index, "on_failure"),
                f"{place}.on_failure: ladder is for the precisions of {' and '.join(RUNGS)}. "
                f"Received: {export.format}:{export.precision}. Remove the key.",
            )
        elif has_ladder(export):
            file = (export.format, export.precision if export.precision in CHOICES else CHOICES[0])
            if file in taken:
                yield Problem(
                    ("exports", index),
                    f"{place} may choose {':'.join(file)}, which another export does already. Remove one of them.",
                )
            taken.add(file)


def check_write_options(index: int, export: ExportConfig) -> Iterator[Problem]:
    """An opset is one that can be written, and what is for one format or precision is asked of no other."""
    place = f"exports[{index}]"
    if export.opset is not None and export.format != "onnx":
        yield Problem(
            ("exports", index, "opset"),
            f"{place}.opset is for onnx. Received: format '{export.format}'. Remove the key.",
        )
    elif export.opset is not None and export.opset not in OPSETS:
        yield Problem(
            ("exports", index, "opset"),
            f"{place}.opset must be one of {', '.join(map(str, OPSETS))}. Received: {export.opset}.",
        )
    for key, value in (("input_dtype", export.input_dtype), ("output_dtype", export.output_dtype)):
        if value is not None and (export.format, export.precision) != ("litert", "int8"):
            yield Problem(
                ("exports", index, key),
                f"{place}.{key} is for litert:int8, whose ends can be integers. "
                f"Received: {export.format}:{export.precision}. Remove the key.",
            )
    if export.granularity is not None and export.precision not in (*GRANULAR, *CHOICES):
        yield Problem(
            ("exports", index, "granularity"),
            f"{place}.granularity is for {', '.join(GRANULAR)}. Received: precision '{export.precision}', "
            "whose weights are no integers. Remove the key.",
        )
