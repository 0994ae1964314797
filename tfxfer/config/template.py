"""The configuration that `tfxfer init` prints."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from tfxfer.catalogue.tasks import TaskName

OUTPUTS: Mapping[TaskName, str] = {
    "classification": "classes",
    "multi_label": "labels",
    "regression": "the value",
}


def template(task: TaskName) -> str:
    """A complete, commented configuration for a task.

    `# text` explains; a key behind a bare `#` is a setting that is off, with its usual value.
    """
    text = files("tfxfer.config").joinpath("templates", "config.yaml.j2").read_text(encoding="utf-8")
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.from_string(text).render(task=task, outputs=OUTPUTS[task])
