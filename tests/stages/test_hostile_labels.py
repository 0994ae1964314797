"""Labels that try to break out: either refused, or the same in every file, and the bundle verifies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

from tests.cli.running import call
from tests.stages.running import report_of, write_config

HOSTILE = (
    "--out",
    "-",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "| a | b |",
    "`rm`; $(touch pwned)",
    '"quoted", and comma',
    "=cmd()",
    "%s%n{0}",
    "[link](javascript:alert(1))",
    "# heading",
    "NUL",
    "null",
    "~",
    "1e3",
    "\u82b1",
    "\U0001f33b",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "train ing",
    "\u00e9" * 100,
    "a" * 200,
)


def write_photos(folder: Path) -> Path:
    """Pictures whose colour tells their class, 10 each."""
    random = np.random.default_rng(0)
    for index, label in enumerate(HOSTILE):
        # A slash cannot be in a folder's name; what stands for it looks the same.
        (folder / label.replace("/", "\u2215")).mkdir(parents=True)
        colour = np.array([index % 3, index // 3 % 3, index // 9]) * 100
        for number in range(10):
            pixels = (colour + random.integers(0, 40, (32, 32, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label.replace("/", "\u2215") / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over hostile labels whose own name is hostile, too."""
    folder = tmp_path_factory.mktemp("labels")
    write_photos(folder / "photos")
    rest = 'name: "<b>|`x`|<b>"\ntraining: {deterministic: false, phases: [{epochs: 1}]}\n'
    write_config(folder / "run.yaml", "photos", rest=rest)
    assert call("run", str(folder / "run.yaml"), "--out", str(folder / "out"), "--quiet") == 0
    return folder / "out"


def test_every_file_has_the_same_labels(run: Path) -> None:
    labels = sorted(label.replace("/", "\u2215") for label in HOSTILE)
    report = report_of(run)
    assert report["data"]["labels"] == labels
    assert [entry["label"] for entry in report["test"]["per_class"]] == labels
    bundle = run / "bundle"
    assert (bundle / "labels.txt").read_text(encoding="utf-8").split("\n") == [*labels, ""]
    contract = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    assert contract["outputs"][0]["labels"] == labels


def test_the_bundle_verifies_and_every_artifact_knows_the_labels(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("verify", str(run / "bundle")) == 0
    photo = next((run.parent / "photos" / "--out").iterdir())
    for artifact in ("litert/float32.tflite", "onnx/float32.onnx", "saved_model"):
        capsys.readouterr()
        model = str(run / "bundle" / artifact)
        assert call("predict", "--model", model, "--data", str(photo), "--json") == 0
        (entry,) = json.loads(capsys.readouterr().out)["predictions"]
        assert list(entry["probabilities"]) == report_of(run)["data"]["labels"]


def test_the_card_holds_no_markup_of_a_label(run: Path) -> None:
    card = (run / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "<script" not in card
    assert "<img" not in card
    assert "<b>" not in card
    assert "[link]" not in card.replace("\\[", "")
    assert card.count("\n# ") == 0
    columns = {line.count("|") - line.count("\\|") for line in card.splitlines() if line.startswith("| -")}
    assert len(columns) == 1


def test_the_page_shows_every_label_as_text(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    for label in HOSTILE:
        assert str(escape(label.replace("/", "\u2215"))) in page
    assert not re.search(r"<(script|b>|img src=x)", page)


def test_nothing_was_run_and_tables_for_people_are_plain(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not list(run.parent.rglob("pwned"))
    assert call("evaluate", "--model", str(run), "--data", str(run.parent / "photos")) == 0
    assert "<script>" in capsys.readouterr().out
    assert call("check", str(run.parent / "photos")) == 0
