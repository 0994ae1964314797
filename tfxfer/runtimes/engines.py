"""Engines are imported when a runtime is made, and named with their repair where they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from tfxfer.errors import RuntimeUnavailableError


def engine_module(module: str, distribution: str) -> Any:
    """The engine's module; RuntimeUnavailableError says what to install where it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"running this file needs the package '{distribution}'. Received: {error}. "
            f"Install it: pip install {distribution}"
        ) from error
