"""What must hold before Keras is imported, and TensorFlow's start-up lines kept out of sight."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tfxfer.errors import UsageError


def backend_problems(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Why Keras would not be the one that tfxfer needs, each with its fix; Keras is not imported."""
    settings_file = _keras_home(environment) / "keras.json"
    settings = _settings(settings_file)
    found = []
    variable = environment.get("KERAS_BACKEND")
    chosen = variable if variable else settings.get("backend")
    where = "the environment variable KERAS_BACKEND" if variable else f"'{settings_file}'"
    if chosen and chosen != "tensorflow":
        found.append(
            f"the Keras backend must be tensorflow. Received: '{chosen}' from {where}. "
            "Set KERAS_BACKEND=tensorflow."
        )
    layout = settings.get("image_data_format")
    if layout not in (None, "channels_last"):
        found.append(
            f"image_data_format must be channels_last. Received: '{layout}' from '{settings_file}'. "
            'Write "image_data_format": "channels_last" there.'
        )
    return tuple(found)


def prepare_tensorflow() -> None:
    """Make ready for an import of TensorFlow that may come: right settings, no start-up lines.

    Raises:
        UsageError: Keras is set to another backend or to channels_first.
    """
    problems = backend_problems()
    if problems:
        raise UsageError(" ".join(problems))
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # of this process; a user's own choice stands
    waiting = any(isinstance(finder, _QuietImport) for finder in sys.meta_path)
    if level == "3" and "tensorflow" not in sys.modules and not waiting:
        sys.meta_path.insert(0, _QuietImport())


class _QuietImport(MetaPathFinder):
    """Holds stderr back while the package `tensorflow` is imported, whoever imports it first.

    Some lines come from C++ before its logging is set up, at every log level; only the file descriptor
    can be held. An import of our own, here, would cost seconds where no TensorFlow is needed.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _held_back(spec.loader.exec_module)  # type: ignore[assignment, method-assign]
        return spec


def _held_back(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    from tfxfer.runtimes.quiet import (
        kept_for_the_log,
        stderr_held_back,
    )  # with numpy, which TensorFlow needs anyway

    def exec_module(module: ModuleType) -> None:
        with stderr_held_back(kept_for_the_log):
            execute(module)

    return exec_module


def _keras_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("KERAS_HOME")
    return Path(home) if home else Path.home() / ".keras"


def _settings(file: Path) -> Mapping[str, object]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # Keras, too, goes on without a file that it cannot read
        return {}
    return value if isinstance(value, dict) else {}
