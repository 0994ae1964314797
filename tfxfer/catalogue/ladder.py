"""The quantisation ladder: which precisions are tried where one is to be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from tfxfer.catalogue.formats import FORMATS

Choice = Literal["smallest", "fastest"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
OnFailure = Literal["refuse", "ladder"]

MIXED = "mixed_int8"  # tried where full int8 has failed; it is larger than that by its float blocks

# From the one that saves most to the one that saves nothing.
RUNGS: Mapping[str, tuple[str, ...]] = {
    "litert": (
        *("int8", MIXED, "int16x8"),
        *("weight_only_int8", "dynamic_int8", "float16", "float32"),
    ),
    "onnx": ("int8", "dynamic_int8", "float16", "float32"),
}


def precisions(format: str) -> tuple[str, ...]:
    """What can be asked of a format: its precisions, and the choices of its ladder."""
    return (*FORMATS[format].precisions, *(CHOICES if format in RUNGS else ()))


BUDGETS = ("max_size_bytes", "max_latency_ms_p95", "max_peak_memory_bytes")
