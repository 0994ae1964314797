"""The documentation is built without a warning, and every block in it is one that tfxfer takes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT
from tfxfer.cli.main import commands
from tfxfer.config.read import read_config

PAGES = sorted((ROOT / "docs").rglob("*.md"))


def blocks(language: str) -> list[tuple[str, str]]:
    """Every block of a language, with the page that it stands on."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(page.stem, text) for page in PAGES for text in pattern.findall(page.read_text(encoding="utf-8"))]


def numbered(language: str) -> list[object]:
    return [pytest.param(text, id=f"{page}-{number}") for number, (page, text) in enumerate(blocks(language))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages speak of: pictures by class, configurations, a run with a bundle."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("photos", "parts", "xrays", "new_photos", "new_pictures"):
        (folder / name / "good").mkdir(parents=True)
        (folder / name / "broken").mkdir()
    (folder / "my.keras").touch()
    (folder / "phone.txt").touch()
    for name in ("flowers", "photos", "xrays"):
        (folder / f"{name}.yaml").write_text("data: photos/\nbackbone: embedded/small\n")
        (folder / "runs" / name / "bundle").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("text", numbered("yaml"))
def test_configurations_are_read(text: str, folder: Path) -> None:
    (folder / "block.yaml").write_text(text, encoding="utf-8")
    read_config(folder / "block.yaml")


@pytest.mark.parametrize("text", numbered("sh"))
def test_commands_are_understood(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    asked = [words[1:] for words in lines if words and words[0] == "tfxfer"]
    assert asked
    for name, *arguments in asked:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None, name
        command.make_context(name, list(arguments))  # refuses what the command does not take


def test_programs_run(tmp_path: Path) -> None:
    """The Python blocks of a page, one after the other, on a model and data like those of the tests."""
    made = (
        "from tests.stages.own_model import fitted, own_data, own_model\n"
        "model, train, validation, test = fitted(own_model()), own_data(48, 0), own_data(24, 1), own_data(24, 2)\n"
    )
    program = made + "\n".join(text for _, text in blocks("python"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("True")


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    reference = (tmp_path / "site/reference/configuration.html").read_text(encoding="utf-8")
    assert "learning_rate_decay" in reference
    assert "load_backbone" in (tmp_path / "site/reference/python.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="https?://(fonts|cdn|unpkg)', reference)


MARKDOWN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])


@pytest.mark.parametrize("page", MARKDOWN, ids=[str(page.relative_to(ROOT)) for page in MARKDOWN])
def test_the_rows_of_every_table_are_as_wide_as_its_head(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    widths = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    broken = [
        f"{page.name}:{number}: {line[:60]}"
        for number, (line, width, before) in enumerate(zip(lines[1:], widths[1:], widths, strict=False), 2)
        if width and before and width != before
    ]
    assert not broken
