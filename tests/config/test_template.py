"""`tfxfer init` prints every key there is, and what it prints is a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tfxfer.catalogue.tasks import TASK_NAMES, TaskName
from tfxfer.config.messages import model_at
from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.config.task_checks import TASKS_OF_GATE
from tfxfer.config.template import template
from tfxfer.config.yaml_reader import read_yaml


def keys(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in model.model_fields:
        yield (*place, name)
        inner = model_at(model, (name,))
        if inner is not None:
            yield from keys(inner, (*place, name))


def everything_on(text: str) -> str:
    """The template with every setting that is off turned on."""
    return re.sub(r"^(\s*)#(?=[a-z]|  )", r"\1", text, flags=re.MULTILINE)


def without(text: str, line_start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(line_start))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos.csv").write_text("path\n")
    return tmp_path


@pytest.mark.parametrize("task", TASK_NAMES)
def test_the_template_is_a_config_of_defaults(task: TaskName, folder: Path) -> None:
    (folder / "run.yaml").write_text(template(task))
    data = "photos" if task == "classification" else "photos.csv"
    (folder / "small.yaml").write_text(
        f"name: run\ndata: {data}\nbackbone: keras/MobileNetV2\nhead: {task}\n"
    )
    assert read_config(folder / "run.yaml") == read_config(folder / "small.yaml")


@pytest.mark.parametrize("task", TASK_NAMES)
def test_with_everything_on_it_is_still_a_config(task: TaskName, folder: Path) -> None:
    text = everything_on(template(task))
    for line_start in ("  recipe:", "  min_slice", "  max_slice"):  # they exclude others, or need them
        text = without(text, line_start)
    (folder / "run.yaml").write_text(text)
    config = read_config(folder / "run.yaml")
    assert [phase.name for phase in config.training.phases] == ["head", "last blocks"]
    assert config.gates.max_size_bytes == 10_000_000


@pytest.mark.parametrize("task", TASK_NAMES)
def test_every_key_of_the_schema_is_in_it(task: TaskName) -> None:
    tree, lines = read_yaml(everything_on(template(task)).encode())
    assert isinstance(tree, dict)
    written = {tuple(part for part in place if isinstance(part, str)) for place in lines}
    common = (
        ("exports", "gates"),
        ("training", "phases", "augment"),
    )  # their keys are those of another section
    missing = {
        key
        for key in keys(Config)
        if key not in written and not any(key[: len(place)] == place for place in common)
    }
    of_another_task = {("gates", name) for name, tasks in TASKS_OF_GATE.items() if task not in tasks} | {
        key
        for key in keys(Config)
        if key[:2] in (("evaluation", "decision"), ("evaluation", "temperature")) and task != "classification"
    }
    in_words = {("evaluation", "decision", name) for name in ("sensitivity", "costs", "thresholds")}
    assert not missing - of_another_task - in_words
    assert written.issuperset(common)
