"""Several runs beside each other, on stdout, as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import call, one_error
from tests.report.making import regression, report, write_run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    better = report()
    better["test"] |= {"accuracy": 0.97, "accuracy_interval": [0.95, 0.98]}
    better["seed"] = 1
    worse = report()
    return str(write_run(tmp_path / "worse", worse)), str(write_run(tmp_path / "better", better))


def test_the_best_comes_first(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", *runs, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["runs"]
    assert [row["run"] for row in rows] == [runs[1], runs[0]]
    assert rows[0]["accuracy"] == 0.97
    assert call("report", *runs) == 0
    out = capsys.readouterr().out
    assert out.index("better") < out.index("worse")


def test_of_a_regression_the_smallest_error_is_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = regression()
    small["test"]["mean_absolute_error"] = 0.5
    paths = [
        str(write_run(tmp_path / name, value)) for name, value in (("large", regression()), ("small", small))
    ]
    assert call("report", *paths, "--json") == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["run"] == paths[1]


def test_weights_of_a_phase_that_was_undone_have_not_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undone = report()
    learnt = [phase["trainable_parameters"] for phase in undone["phases"]]
    assert learnt[1] > learnt[0]
    undone["phases"][1]["best_epoch"] = 0
    paths = [
        str(write_run(tmp_path / name, value)) for name, value in (("kept", report()), ("undone", undone))
    ]
    assert call("report", *paths, "--json") == 0
    rows = {row["run"]: row["weights that learned"] for row in json.loads(capsys.readouterr().out)["runs"]}
    assert [rows[path] for path in paths] == [learnt[1], learnt[0]]


def test_the_page_tells_whether_the_best_is_surely_better(runs: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "comparison.html"
    assert call("report", *runs, "--out", str(page)) == 0
    text = page.read_text(encoding="utf-8")
    assert "Best on its test split" in text
    assert "do not overlap" in text
    assert "onerror=alert(1)>" not in text
    assert call("report", *runs, "--out", str(page)) == 2
    assert call("report", *runs, "--out", str(page), "--overwrite") == 0


def test_other_data_are_said(tmp_path: Path) -> None:
    other = report()
    other["data"]["fingerprint"] = "0" * 64
    paths = [str(write_run(tmp_path / name, value)) for name, value in (("a", report()), ("b", other))]
    assert call("report", *paths, "--out", str(tmp_path / "page.html")) == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "different data" in text
    assert "overlap: these test pictures cannot tell the two apart" in text


def test_runs_of_two_tasks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(write_run(tmp_path / name, value)) for name, value in (("a", report()), ("b", regression()))]
    assert call("report", *paths) == 2
    assert "one task" in one_error(capsys)


def test_a_folder_without_a_report_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", str(tmp_path)) == 2
    assert "report.json" in one_error(capsys)
    (tmp_path / "report.json").write_text('{"schema_version": 99}')
    assert call("report", str(tmp_path)) == 2
    assert "schema_version" in one_error(capsys)
    (tmp_path / "report.json").write_text("{")
    assert call("report", str(tmp_path)) == 2
    assert "JSON" in one_error(capsys)


def test_out_is_for_several_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", report())
    assert call("report", str(run), "--out", str(tmp_path / "page.html")) == 2
    assert "--out" in one_error(capsys)
