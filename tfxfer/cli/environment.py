"""What must hold before Keras is imported, and TensorFlow's start-up lines kept out of sight."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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


def start_tensorflow() -> None:
    """Import TensorFlow and Keras without their start-up lines; what they print is shown if the import fails.

    Raises:
        UsageError: Keras is set to another backend or to channels_first.
    """
    problems = backend_problems()
    if problems:
        raise UsageError(" ".join(problems))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # of this process; a user's own choice stands
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] in ("0", "1"):
        importlib.import_module("keras")
        return
    with _stderr_held_back():
        importlib.import_module("keras")


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    # The lines come from C++ (absl before it is initialised), so only the file descriptor can be held.
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def _keras_home(environment: Mapping[str, str]) -> Path:
    home = environment.get("KERAS_HOME")
    return Path(home) if home else Path.home() / ".keras"


def _settings(file: Path) -> Mapping[str, object]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # Keras, too, goes on without a file that it cannot read
        return {}
    return value if isinstance(value, dict) else {}
