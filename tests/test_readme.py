"""Every block of the README does what it says, in an empty folder, as a new user would run it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, make_photos

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
KNOWN = {"sh": 3, "yaml": 2, "python": 1}  # blocks that a test below runs; a new one must be added here

# How a user's own tf.data comes about; the program's statements are those of the README.
DATA = (ROOT / "tests" / "stages" / "five_statements.py").read_text(encoding="utf-8").split("# fmt: off")[0]


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def environment(keras_home: Path) -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return {
        **os.environ,
        "KERAS_HOME": str(keras_home),
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def lines(block: str) -> list[list[str]]:
    found = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [words for words in found if words and words[0] == "tfxfer"]


def test_no_block_is_left_out() -> None:
    assert {language: len(blocks(language)) for language in {found for found, _ in BLOCKS}} == KNOWN


def test_every_command_of_the_table_exists() -> None:
    from tfxfer.cli.lazy import COMMANDS

    table = README[README.index("## Commands") : README.index("## What ran where")]
    named = set(re.findall(r"`(?:tfxfer )?([a-z-]+)[ `]", table))
    assert set(COMMANDS) - {"train"} <= named


@pytest.mark.real
def test_photographs_of_your_own(tmp_path: Path, keras_home: Path) -> None:
    make_photos(tmp_path / "photos", per_class=24, labels=("daisy", "rose"))
    make_photos(tmp_path / "new_photos", per_class=2, labels=("daisy", "rose"))
    (tmp_path / "flowers.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    for block in blocks("sh"):
        for words in lines(block):
            finished = subprocess.run(
                words, cwd=tmp_path, env=environment(keras_home), capture_output=True, text=True, check=False
            )
            assert finished.returncode == 0, f"{shlex.join(words)}\n{finished.stderr}"
    bundle = tmp_path / "runs" / "flowers" / "bundle"
    promised = (
        "litert/float32.tflite",
        "onnx/float32.onnx",
        "saved_model",
        "labels.txt",
        "contract.json",
        "golden",
    )
    assert all((bundle / name).exists() for name in (*promised, "MODEL_CARD.md", "manifest.json"))


def test_the_rule_and_the_slices(tmp_path: Path) -> None:
    import json

    rows = ["path,label,camera"]
    for place, seed in (("indoor", 1), ("outdoor", 2)):
        make_photos(tmp_path / place, per_class=24, labels=("dent", "fine"), seed=seed)
        for picture in sorted((tmp_path / place).glob("*/*.png")):
            camera = ("phone", "reflex")[int(picture.stem) % 2]
            rows.append(f"{picture.relative_to(tmp_path)},{picture.parent.name},{camera}")
    (tmp_path / "parts.csv").write_text("\n".join(rows), encoding="utf-8")
    own = "data: parts.csv\nbackbone: {name: embedded/small, image_size: 32}\nexports: [litert]\n"
    (tmp_path / "parts.yaml").write_text(own + blocks("yaml")[1], encoding="utf-8")
    command = [sys.executable, "-m", "tfxfer", "run", "parts.yaml", "--out", "run"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert {row["name"] for row in report["artifacts"][0]["slices"]} == {"camera", "place"}
    assert report["artifacts"][0]["decision"]["positive"] == "dent"


@pytest.mark.real
def test_the_python_block(tmp_path: Path, assets: Path, keras_home: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(DATA + blocks("python")[0] + "print(report.accuracy)\n", encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, str(program), str(assets / "images" / "flowers5")],
        cwd=tmp_path,
        env=environment(keras_home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert float(finished.stdout.splitlines()[-1]) >= 0.9
    assert (tmp_path / "bundle" / "manifest.json").is_file()
