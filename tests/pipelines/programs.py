"""Programs of pipelines/, which are no package."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.conftest import ROOT

FOLDER = ROOT / "pipelines"


def program(name: str) -> ModuleType:
    """The program as a module, without running it."""
    spec = importlib.util.spec_from_file_location(f"pipelines_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
