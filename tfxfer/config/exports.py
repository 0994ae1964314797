"""How a configuration asks for a file to be written."""

from __future__ import annotations

from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.catalogue.write_options import DEFAULT_OPSET, WriteOptions
from tfxfer.config.schema import ExportConfig


def write_options(export: ExportConfig, resize: ResizeRule) -> WriteOptions:
    """The choices of one export, with the defaults for what is not given; `resize` is that of the data."""
    return WriteOptions(
        opset=DEFAULT_OPSET if export.opset is None else export.opset,
        granularity="channel" if export.granularity is None else export.granularity,
        input_dtype="uint8" if export.input_dtype is None else export.input_dtype,
        output_dtype=export.output_dtype,
        resize=resize if export.format == "saved_model" else None,
    )
