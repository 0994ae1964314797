"""How an artifact is run, one engine each."""

from __future__ import annotations

from tfxfer.runtimes.opening import format_of, open_runtime
from tfxfer.runtimes.outputs import Outputs
from tfxfer.runtimes.runtime import Runtime

__all__ = ["Outputs", "Runtime", "format_of", "open_runtime"]
