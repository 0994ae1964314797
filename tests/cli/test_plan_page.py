"""The page of `tfxfer plan`: each thing once, in words, folded on a terminal, plain where NO_COLOR asks for it."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path

import pytest

from tests.cli.plans import MISSING, PLAN
from tfxfer.cli.output import print_table
from tfxfer.cli.plan_page import print_plan

END = "-- end --"


def test_a_newcomer_can_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN, "tfxfer run flowers.yaml --out runs/flowers")
    out = capsys.readouterr().out
    for words in (
        "flowers: what a run would do. Nothing is trained or written.",
        "train: 700 images: what the network learns from",
        "labels: 2 (daisy, rose)",
        "left out: 3 that cannot be used",
        "images are resized to 96 x 128 (height x width)",
        "auto: many and near (domain gap not measured, taken to be near): the solved head",
        "if few and near: cautiously the last third",
        "1. head: up to 8 epochs, learning rate 0.001, block_1 0.0001",
        "learns: 2,562 weights: the head",
        "frozen: all up to head_pooling, computed once",
        "engine: litert: depthwise convolutions on 2 cores",
        "litert:int8: min top1 agreement 0.9",
        "time: about 2 min 5 s",
        "disk: 5.5 MB images",
        "warning: few pictures",
        "run it: tfxfer run flowers.yaml --out runs/flowers",
    ):
        assert words in out
    assert out.count(MISSING) == 1
    assert "if many and near" not in out
    assert "sqrt" not in out
    assert "\x1b" not in out


def test_a_head_that_is_solved_has_no_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    plan = copy.deepcopy(PLAN)
    plan["phases"][0]["solved"] = True
    print_plan(plan, "tfxfer run x.yaml")
    out = capsys.readouterr().out
    assert "1. head: solved at once, without epochs" in out
    assert "up to 8 epochs" not in out


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, *, columns: int, no_color: str) -> str:
    """What a plan and a table write to a real terminal."""
    master, slave = os.openpty()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    plan = copy.deepcopy(PLAN)
    plan["phases"], plan["warnings"] = [], []
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        print_plan(plan, "tfxfer run x.yaml")
        print_table([{"name": "head"}])
        print(END, flush=True)
        monkeypatch.undo()
        text = b""
        while END.encode() not in text:  # a terminal hands over what is written to it piece by piece
            text += os.read(master, 1 << 16)
    os.close(master)
    return text.decode()


def test_a_terminal_gets_folded_lines_and_no_codes_where_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    styled = on_a_terminal(monkeypatch, columns=60, no_color="")
    assert "\x1b[1m" in styled
    plain = on_a_terminal(monkeypatch, columns=60, no_color="1")
    assert "\x1b" not in plain
    notes = [line for line in plain.splitlines() if line.startswith("  ")]
    assert max(map(len, notes)) <= 60
    assert any(line.startswith("      ") for line in notes)


def test_the_command_line_prints_the_page_of_a_real_plan(tmp_path: Path) -> None:
    from tests.stages.running import run_process

    (tmp_path / "digits.yaml").write_text(
        "data: embedded/digits\nbackbone: embedded/small\nexports: [litert]\n"
    )
    done = run_process("plan", "digits.yaml", "--set", "name=my digits", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""  # TensorFlow's start is not for the user's eyes
    assert done.stdout.startswith("my digits: what a run would do.")
    assert "by block: stem 0." in done.stdout
    assert "1. head: solved at once, without epochs" in done.stdout
    assert "run it: tfxfer run digits.yaml --out runs/digits --set 'name=my digits'" in done.stdout
