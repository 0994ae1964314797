"""The page: the verdict first, every part present, nothing from elsewhere, no name that runs."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.report.making import HOSTILE, TASKS, finished, gate, regression, report, write_run
from tfxfer.report.finished import read_run
from tfxfer.report.gates import gate_sentence
from tfxfer.report.headline import headline
from tfxfer.report.page import render_report
from tfxfer.report.symptoms.all import suggestions

Report = dict[str, Any]
EVERY = {"next", "scores", "files", "training", "mistakes", "confidence", "data", "gap", "reproduce"}
PARTS = {
    "classification": EVERY | {"classes", "slices"},
    "multi_label": EVERY | {"classes", "slices"},
    "regression": EVERY,
}


@cache
def page_of(task: str) -> str:
    return render_report(finished(TASKS[task]()))


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("task", TASKS)
def test_every_part_is_there(task: str) -> None:
    elements = Elements(page_of(task))
    assert {found["id"] for tag, found in elements.tags if tag == "section"} == PARTS[task]
    plots = [found for tag, found in elements.tags if tag == "svg"]
    assert len(plots) >= 4
    assert all(found["role"] == "img" and found["aria-label"] for found in plots)


@pytest.mark.parametrize("task", TASKS)
def test_it_asks_for_nothing_from_elsewhere(task: str) -> None:
    elements = Elements(page_of(task))
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in elements.tags}
    addresses = [
        found[key] or ""
        for _, found in elements.tags
        for key in ("src", "href", "xlink:href")
        if key in found
    ]
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "Content-Security-Policy" in {found.get("http-equiv") for _, found in elements.tags}


@pytest.mark.parametrize("task", TASKS)
def test_a_hostile_name_is_text(task: str) -> None:
    elements = Elements(page_of(task))
    assert HOSTILE in elements.text
    assert not [found for _, found in elements.tags if any(name.startswith("on") for name in found)]
    pictures = [found for tag, found in elements.tags if tag == "img"]
    assert len(pictures) == (1 if task == "regression" else 2)  # with its heat map, where there is one
    assert {str(found["src"])[:22] for found in pictures} == {"data:image/jpeg;base64"}


@pytest.mark.parametrize("task", TASKS)
def test_every_id_is_its_own(task: str) -> None:
    page = page_of(task)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", page)) <= set(ids)


def test_a_failed_gate_is_the_first_thing_a_reader_sees() -> None:
    value = report()
    value["gates"].append(gate("min_accuracy", None, passed=False))
    value["artifacts"][2] |= {"status": "failed", "why": "max_accuracy_drop 0.02: a drop of 0.3"}
    text = Elements(render_report(finished(value))).text
    body = text[text.index("var(") if "var(" in text else 0 :]
    first = body.index("Not ready: 2 checks failed")
    assert (
        first
        < body.index("accuracy is 1.0 %, must be at least 2.0 % (min_accuracy)")
        < body.index("a drop of 0.3")
        < body.index("What to do next")
    )
    good = Elements(page_of("classification")).text
    assert "Ready: every gate holds" in good
    idle, hurting = report(), report()
    idle["phases"][1]["best_epoch"] = 0
    hurting["verdict"]["transfer"] = "hurts"
    assert (
        headline(finished(idle), suggestions(finished(idle))).text == "Ready: every gate holds, with 1 remark"
    )
    assert headline(finished(hurting), suggestions(finished(hurting))).tone == "doubtful"
    assert "Not ready" not in good


def test_the_ladder_the_recipe_and_what_moved_are_told() -> None:
    value = report()
    value["recipe"] = {"name": "partial", "why": "233 images per class"}
    value["phases"][1]["moved"] = [{"block": "block_3", "weights": 0.043, "features": 0.87}]
    value["artifacts"][2]["ladder"] = [
        {"precision": "int8", "status": "failed", "why": f"a drop of 0.3 {HOSTILE}", "size_bytes": 300_000},
        {"precision": "float16", "status": "chosen", "why": "", "size_bytes": 500_000, "accuracy": 0.9},
    ]
    text = Elements(render_report(finished(value))).text
    assert "Recipe partial: 233 images per class." in text
    assert "4.3 %" in text
    assert "The ladder that led to litert:int8" in text
    assert f"a drop of 0.3 {HOSTILE}" in text


def test_where_a_failed_file_goes_wrong_is_told() -> None:
    value = report()
    value["artifacts"][2]["blocks"] = [{"name": "stem", "error": 0.01}, {"name": HOSTILE, "error": 0.4}]
    value["artifacts"][2]["largest_disagreements"] = [
        {"image": f"daisy/{HOSTILE}.jpg", "logit_error": 12.5, "network": "daisy", "file": HOSTILE}
    ]
    text = Elements(render_report(finished(value))).text
    assert "Where litert:int8 leaves the float network" in text
    assert "40.0 %" in text
    assert f"daisy/{HOSTILE}.jpg" in text
    assert "Where litert:int8" not in Elements(page_of("classification")).text


def test_a_failed_file_is_told_in_words_and_units_and_why_in_its_section() -> None:
    value = report()
    why = "38 test images are too few for a drop of 0.02"
    value["artifacts"][2] |= {"status": "failed", "why": why}
    value["gates"] = [gate("max_accuracy_drop", "litert:int8", passed=False) | {"value": 0.0526}]
    text = Elements(render_report(finished(value))).text
    told = text.index(
        "litert:int8: accuracy drop is 5.3 points, must be at most 2.0 points (max_accuracy_drop)."
    )
    assert told < text.index("What to do next") < text.index(f"Why litert:int8 failed: {why}")


@pytest.mark.parametrize(
    ("name", "value", "limit", "said"),
    [
        ("max_size_bytes", 8_890_489, 2e6, "size is 8.9 MB, must be at most 2.0 MB (max_size_bytes)"),
        ("max_latency_ms_p95", 44.1, 8, "latency p95 is 44 ms, must be at most 8.00 ms (max_latency_ms_p95)"),
        ("min_top1_agreement", 0.98, 0.995, "agreement is 98.0 %, must be at least 99.5 % (min_top1_agreement)"),
        ("max_abs_logit_error", 0.68613, 1e-3, "abs logit error is 0.686, must be at most 0.001 (max_abs_logit_error)"),
    ],
)  # fmt: skip
def test_a_gate_says_its_unit(name: str, value: float, limit: float, said: str) -> None:
    assert gate_sentence({"name": name, "value": value, "limit": limit}) == said


def test_the_path_of_weights_is_told_once() -> None:
    value = report()
    value["backbone"] |= {"weights": "/w.h5", "source": "/w.h5"}
    text = Elements(render_report(finished(value))).text
    assert "/w.h5: /w.h5" not in text
    assert "/w.h5" in text


def test_the_verdict_is_in_words() -> None:
    text = Elements(page_of("classification")).text
    assert "the right class to 90.0 % of 300 test pictures (95 % interval 86.0 to 92.9 %)" in text
    assert "the largest loss is 1.0 points of accuracy" in text
    assert "Transfer helps: +30.0 points" in text


def test_temperature_scaling_is_shown_before_and_after() -> None:
    text = Elements(page_of("classification")).text
    assert "after temperature scaling" in text  # in the diagram's legend
    assert "a temperature of 1.25, found on 150 validation pictures" in text
    assert "is 3.0 % before, 1.2 % after. The files do not have it; evaluation.temperature: fold" in text
    folded, none = report(), report()
    folded["temperature"]["folded"] = True
    folded["temperature"]["test"]["before"] = folded["temperature"]["test"]["after"]
    none["temperature"] |= {"value": 1.0, "why": "left at 1: all 150 validation answers are right"}
    text = Elements(render_report(finished(folded))).text
    assert "before temperature scaling" in text
    assert "Every file has it." in text
    text = Elements(render_report(finished(none))).text
    assert "Temperature scaling changes nothing: left at 1" in text
    assert "after temperature scaling" not in text


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_report(finished(report())) == page_of("classification")


def test_what_a_report_does_not_hold_is_left_out() -> None:
    value = report()
    for key in ("phases", "artifacts", "baselines", "verdict", "domain_gap", "label_issues", "gates", "data"):
        del value[key]
    elements = Elements(render_report(finished(value)))
    parts = {found["id"] for tag, found in elements.tags if tag == "section"}
    assert parts == {"next", "scores", "mistakes", "classes", "confidence", "slices", "reproduce"}
    assert "No file was exported." in elements.text


def test_more_classes_than_a_table_can_show() -> None:
    value, many = report(), 40
    value["data"]["labels"] = [str(number) for number in range(many)]
    value["test"]["per_class"] = [
        {**value["test"]["per_class"][0], "label": str(number)} for number in range(many)
    ]
    value["test"]["confusion"] = [
        [9 if row == column else int(column == 0) for column in range(many)] for row in range(many)
    ]
    page = render_report(finished(value))
    assert "confusion matrix of 40 classes" in page
    assert "Most frequent confusions" in page


def test_pictures_outside_of_the_run_are_not_read(tmp_path: Path) -> None:
    value = report()
    run = write_run(tmp_path / "run", value)
    assert set(read_run(run).pictures) == {"mistakes/00.jpg", "mistakes/00-heat.jpg"}
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    value["test"]["mistakes"][0] |= {"picture": "../secret.jpg", "heat_map": "report.json"}
    (run / "report.json").unlink()
    run = write_run(tmp_path / "other", value)
    assert read_run(run).pictures == {}
    assert "picture not kept" in render_report(read_run(run))


def test_tensorflow_is_not_imported(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", report())
    program = (
        "import sys; from tfxfer.cli.main import exit_code; code = exit_code(['report', sys.argv[1]]); "
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'onnxruntime') if name in sys.modules]); "
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert (run / "report.html").is_file()


def test_the_callers_matplotlib_is_left_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    render_report(finished(regression()))
    assert dict(matplotlib.rcParams) == before
