"""The versions of tfxfer and of every library whose numbers end up in a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "tfxfer",
    "tensorflow",
    "keras",
    "numpy",
    "pillow",
    "scikit-learn",
    "onnx",
    "tf2onnx",
    "onnxruntime",
    "ai-edge-litert",
    "openvino",
)


def library_version(name: str) -> str | None:
    """The installed version of a distribution, or None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Name and version of Python and of every library in LIBRARIES that is installed."""
    found = {name: library_version(name) for name in LIBRARIES}
    return {"python": platform.python_version()} | {
        name: text for name, text in found.items() if text is not None
    }
