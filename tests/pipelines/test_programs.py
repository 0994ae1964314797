"""Every program of pipelines/ runs as a script in an empty folder, and the short ones use public names only."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backbones.modules import save_tiny
from tests.cli.running import call
from tests.conftest import make_photos
from tests.pipelines.programs import FOLDER

COPIED = sorted(  # what users copy from; the others make data and weights of tfxfer's own
    path.stem
    for path in FOLDER.glob("*.py")
    if path.stem not in {"digit_scenes", "glyphs", "pretrain_embedded"}
)


def run(name: str, *arguments: str, folder: Path) -> str:
    command = [sys.executable, str(FOLDER / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", COPIED)
def test_it_is_short_and_uses_only_public_names(name: str) -> None:
    source = (FOLDER / f"{name}.py").read_text("utf-8")
    assert len(source.splitlines()) <= 80
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    modules = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    assert [name for name in (*names, *modules) if name.startswith("tfxfer")] == ["tfxfer"]


def test_a_stage_of_ones_own_lists_every_answer(tmp_path: Path) -> None:
    out = run("own_stage", "--out", "run", folder=tmp_path)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    with (tmp_path / "run" / "answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = sum(row["label"] == row["answer"] for row in rows)
    assert len(rows) == report["data"]["test"]
    assert right / len(rows) == pytest.approx(report["test"]["accuracy"])
    assert f"{report['test']['accuracy']:.4f}" in out
    assert report["artifacts"][0]["status"] == "passed"


def test_fit_is_replaced_with_loss_metrics_and_callbacks(tmp_path: Path) -> None:
    out = run("replace_fit", folder=tmp_path)
    assert float(out.split("test accuracy ")[1]) > 0.9
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert len(lines) == 9
    assert "val_top_2" in lines[0]


def test_a_model_from_elsewhere_is_proven(tmp_path: Path) -> None:
    out = run("prove_trained_elsewhere", folder=tmp_path)
    assert out.count(": passed, ") == 3
    assert out.endswith("verified: True\n")
    assert (tmp_path / "elsewhere.keras").is_file()


def test_the_best_backbone_within_a_latency(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text("data: embedded/digits\nbackbone: embedded/small\nexports: []\n")
    given = ["--backbones", "embedded/small?image_size=16,embedded/small", "--out", "choice"]
    out = run("choose_backbone", "digits.yaml", *given, "--within-ms", "500", folder=tmp_path)
    ranking = json.loads((tmp_path / "choice" / "ranking.json").read_text())["backbones"]
    assert [row["status"] for row in ranking] == ["ranked", "ranked"]
    assert out.splitlines()[-1].startswith(f"the best within the budget: {ranking[0]['backbone']};")


@pytest.mark.slow
def test_a_module_of_tf_hub_learns_and_is_proven(tmp_path: Path) -> None:
    save_tiny(tmp_path / "module")
    make_photos(tmp_path / "photos", per_class=24)
    out = run("hub_backbone", "module", "photos", "--pixels", "[0,1]", "--image-size", "12", folder=tmp_path)
    learned = [line.partition(": validation ")[0] for line in out.splitlines() if ": validation " in line]
    assert learned == ["head", "last block"]
    assert float(out.split("test accuracy ")[1].split()[0]) > 0.8
    assert out.count(": passed, ") == 2


@pytest.mark.parametrize("name", COPIED)
def test_init_prints_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("init", "--program", name) == 0
    assert capsys.readouterr().out == (FOLDER / f"{name}.py").read_text("utf-8")


def test_init_names_the_programs_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("init", "--program", "everything") == 2
    said = capsys.readouterr().err
    assert "own_model" in said
    assert "Received: 'everything'" in said
