"""What can be said about how files are written, in Python and on the command line, as `exports` says it in a config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import get_args

from tfxfer.catalogue.formats import GRANULAR
from tfxfer.catalogue.golden import GOLDEN_SOURCES, GoldenSource
from tfxfer.catalogue.ladder import CHOICES, RUNGS, OnFailure
from tfxfer.catalogue.write_options import (
    DEFAULTS,
    OPSETS,
    Granularity,
    InputDtype,
    OutputDtype,
    WriteOptions,
)
from tfxfer.errors import UsageError
from tfxfer.verification.device_log import DeviceFigures

KNOWN: dict[str, tuple[object, ...]] = {
    "opset": OPSETS,
    "granularity": get_args(Granularity),
    "input_dtype": get_args(InputDtype),
    "output_dtype": get_args(OutputDtype),
    "on_failure": get_args(OnFailure),
    "golden": GOLDEN_SOURCES,
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Each is for the files that it suits, and refused where it suits none; None leaves it to the default.

    Raises:
        UsageError: a value that does not exist.
    """

    opset: int | None = None  # of ONNX
    granularity: Granularity | None = None  # of weights in integers
    input_dtype: InputDtype | None = None  # of litert:int8; int8 is the pixel less 128
    output_dtype: OutputDtype | None = None  # of litert:int8
    on_failure: OnFailure | None = None  # ladder: where a gate fails, other precisions are tried
    golden: GoldenSource | None = None  # generated: no picture of the data is in the bundle
    device: tuple[DeviceFigures, ...] = ()  # figures of one device, for litert:fastest

    def __post_init__(self) -> None:
        if len(devices := sorted({entry.device for entry in self.device})) > 1:
            raise UsageError(
                f"the fastest file is that of one device. Received: figures of {', '.join(devices)}. Give one's."
            )
        for name, value in self.given():
            if name in KNOWN and value not in KNOWN[name]:
                known = ", ".join(map(str, KNOWN[name]))
                raise UsageError(f"{name} must be one of {known}. Received: {value!r}. Correct it.")

    def given(self) -> Iterator[tuple[str, object]]:
        """(name, value) of those that are not None."""
        return ((name, value) for name, value in asdict(self).items() if value not in (None, ()))

    def climbs(self, format: str, precision: str) -> bool:
        """Whether other precisions may take the place of this one."""
        return precision in CHOICES or (
            self.on_failure == "ladder" and _suits("on_failure", format, precision)
        )

    def device_of(self, format: str, precision: str) -> tuple[DeviceFigures, ...]:
        """The figures that choose this file."""
        return self.device if _suits("device", format, precision) else ()

    def of(self, format: str, precision: str) -> WriteOptions:
        """How a file of this format and precision is written."""
        found = DEFAULTS
        if self.opset is not None and _suits("opset", format, precision):
            found = replace(found, opset=self.opset)
        if self.granularity is not None and _suits("granularity", format, precision):
            found = replace(found, granularity=self.granularity)
        if self.input_dtype is not None and _suits("input_dtype", format, precision):
            found = replace(found, input_dtype=self.input_dtype)
        if self.output_dtype is not None and _suits("output_dtype", format, precision):
            found = replace(found, output_dtype=self.output_dtype)
        return found


NO_OPTIONS = ExportOptions()

SUITED = {
    "opset": "onnx",
    "granularity": f"the precisions {', '.join(GRANULAR)}",
    "input_dtype": "litert:int8, whose ends can be integers",
    "output_dtype": "litert:int8, whose ends can be integers",
    "on_failure": f"the precisions of {' and '.join(RUNGS)}",
    "device": "litert:fastest",
}


def require_suited(options: ExportOptions, files: Sequence[tuple[str, str]]) -> None:
    """Refuse an option that no (format, precision) of `files` takes.

    Raises:
        UsageError: naming it.
    """
    for name, _ in options.given():
        if not any(_suits(name, *file) for file in files):
            asked = ", ".join(":".join(file) for file in files)
            raise UsageError(f"{name} is for {SUITED[name]}. Received: {asked}. Leave {name} out.")


def _suits(name: str, format: str, precision: str) -> bool:
    if name == "opset":
        return format == "onnx"
    if name == "granularity":
        return precision in (*GRANULAR, *CHOICES)
    if name == "device":
        return (format, precision) == ("litert", "fastest")
    if name == "golden":
        return True
    if name == "on_failure":
        return precision in RUNGS.get(format, ())
    return (format, precision) == ("litert", "int8")
