"""Formats whose runtime is an extra: asked for without it, they are refused before anything is done."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from tfxfer.catalogue.formats import FORMATS
from tfxfer.errors import UsageError


def require_extras(formats: Iterable[str]) -> None:
    """Raises UsageError where a format needs a package that is not installed."""
    for name in formats:
        extra = FORMATS[name].extra
        if extra is not None and importlib.util.find_spec(FORMATS[name].runtime) is None:
            raise UsageError(
                f"the format '{name}' needs the package {FORMATS[name].runtime}, which is not installed. "
                f"Received: exports with {name}. Run: pip install 'tfxfer[{extra}]', or leave it out."
            )
