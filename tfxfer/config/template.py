"""The configuration that `tfxfer init` prints."""

from __future__ import annotations

from importlib.resources import files

TASKS = ("classification",)


def template(task: str) -> str:
    """A complete, commented configuration for one of TASKS.

    `# text` explains; a key behind a bare `#` is a setting that is off, with its usual value.
    """
    assert task in TASKS
    return files("tfxfer.config").joinpath("templates", f"{task}.yaml").read_text(encoding="utf-8")
