"""Exit codes, messages, and what is not imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.running import call, one_error, spy
from tfxfer.cli import main as entry
from tfxfer.cli.lazy import COMMANDS
from tfxfer.errors import ConfigError, DataError, GateError, TfxferError

GOOD = "data: embedded/digits\nbackbone: embedded/small\n"
LIGHT = (
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["backbones"],
    ["schema"],
    ["init"],
    ["doctor", "--json"],
)


@pytest.mark.smoke
@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    result = spy(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert result.stderr.splitlines()[-1] == "imported:"


def test_a_config_error_imports_nothing_heavy_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(GOOD + "epoch: 3\n")
    result = spy("run", "run.yaml", "--out", "out", cwd=tmp_path)
    assert result.returncode == 2
    message, imported = result.stderr.splitlines()
    assert message.startswith("error: run.yaml, line 3: unknown key 'epoch'")
    assert imported == "imported:"
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_without_arguments_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(name, "--help") == 0
    assert "Usage: tfxfer " in capsys.readouterr().out
    command = entry.commands.get_command(click.Context(entry.commands), name)
    assert command is not None
    assert command.help
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter.name


FULL = (
    "error: the disk must take what is written. Received: [Errno 28] No space left on device: 'a.bin'. "
    "Make room, or write elsewhere.\n"
)
RAISED = (
    (ConfigError("x"), 2, "error: x\n"),
    (DataError("y"), 1, "error: y\n"),
    (GateError("z"), 1, "error: z\n"),
    (
        OSError(28, "No space left on device", "a.bin"),
        1,
        FULL,
    ),
    (KeyboardInterrupt(), 130, "error: interrupted\n"),
)


@pytest.mark.parametrize(("error", "code", "words"), RAISED, ids=lambda value: type(value).__name__)
def test_errors_become_exit_codes_and_one_message(
    error: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(**options: object) -> None:
        raise error

    command = entry.commands.get_command(click.Context(entry.commands), "schema")
    assert command is not None
    monkeypatch.setattr(command, "callback", fail)
    assert call("schema") == code
    assert capsys.readouterr().err.lstrip("\n") == words


def test_our_own_bugs_stay_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise ZeroDivisionError

    command = entry.commands.get_command(click.Context(entry.commands), "schema")
    assert command is not None
    monkeypatch.setattr(command, "callback", fail)
    with pytest.raises(ZeroDivisionError):
        call("schema")


def test_every_error_has_an_exit_code_of_the_promise() -> None:
    def family(kind: type[TfxferError]) -> list[type[TfxferError]]:
        return [kind, *(inner for child in kind.__subclasses__() for inner in family(child))]

    assert {kind.exit_code for kind in family(TfxferError)} == {1, 2}


BAD_LINES = {
    "unknown command": (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
    "unknown option": (["run", "good.yaml", "--out", "o", "--rezume"], "--rezume"),
    "option of the group": (["--jsn"], "--jsn"),
    "no config": (["run", "--out", "o"], "CONFIG"),
    "no out": (["run", "good.yaml"], "--out"),
    "config not there": (["run", "none.yaml", "--out", "o"], "none.yaml: the configuration cannot be read"),
    "out is a file": (["run", "good.yaml", "--out", "good.yaml"], "--out"),
    "set without value": (["run", "good.yaml", "--out", "o", "--set", "seed"], "--set must be KEY=VALUE"),
    "set of an unknown key": (
        ["plan", "good.yaml", "--set", "sed=3"],
        "unknown key 'sed'; did you mean 'seed'?",
    ),
    "two configs": (["plan", "good.yaml", "other.yaml"], "other.yaml"),
    "task": (["init", "--task", "detection"], "--task must be classification"),
    "backbone": (["backbones", "MobilNetV2"], "keras/MobileNetV2"),
    "model not there": (["predict", "--model", "none", "--data", "good.yaml"], "'none' does not exist"),
    "no data": (["predict", "--model", "good.yaml"], "--data"),
    "pixels": (["evaluate", "--model", "good.yaml", "--data", "x", "--pixels", "[0,2]"], "--pixels"),
    "pixels mapping": (["evaluate", "--model", "good.yaml", "--data", "x", "--pixels", "{scale"], "--pixels"),
    "input dtype": (
        ["export", "--model", "good.yaml", "--data", "x", "--out", "o", "--input-dtype", "int4"],
        "int4",
    ),
    "format": (["export", "--model", "good.yaml", "--data", "x", "--out", "o", "--format", "onx"], "'onx'"),
    "unknown precision": (
        ["export", "--model", "good.yaml", "--data", "x", "--out", "o", "--format", "litert:int16x9"],
        "Received: 'litert:int16x9'",
    ),
    "metrics in the way": (
        ["evaluate", "--model", "good.yaml", "--data", "x", "--out", "."],
        "metrics.json' exists. Add --overwrite",
    ),
    "bundle not there": (["verify", "none"], "'none' does not exist"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_command_line_is_refused_by_name_and_writes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "metrics.json").write_text("{}")
    arguments, words = BAD_LINES[kind]
    assert call(*arguments) == 2
    assert words in one_error(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.yaml", "metrics.json"]


def test_the_shell_completes_commands_and_options() -> None:
    """README: eval "$(_TFXFER_COMPLETE=bash_source tfxfer)"."""
    found = []
    for words, place in (("tfxfer ben", 1), ("tfxfer benchmark --th", 2)):
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(place), "_TFXFER_COMPLETE": "bash_complete"}
        program = "import sys; sys.argv = ['tfxfer']; from tfxfer.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
            check=False,
        )
        found.append(done.stdout.split())
    assert found == [["plain,benchmark"], ["plain,--threads"]]
