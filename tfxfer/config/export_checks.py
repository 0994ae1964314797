"""Which keys of an export suit its format and precision."""

from __future__ import annotations

from collections.abc import Iterator

from tfxfer.catalogue.formats import GRANULAR
from tfxfer.catalogue.write_options import OPSETS
from tfxfer.config.document import Problem
from tfxfer.config.schema import ExportConfig


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
    if export.granularity is not None and export.precision not in GRANULAR:
        yield Problem(
            ("exports", index, "granularity"),
            f"{place}.granularity is for {', '.join(GRANULAR)}. Received: precision '{export.precision}', "
            "whose weights are no integers. Remove the key.",
        )
