"""`tfxfer doctor` names what is missing and what that makes impossible."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from tests.cli.running import call
from tests.conftest import ROOT
from tfxfer.cli import doctor


def test_here_the_main_job_can_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert report["versions"]["tensorflow"]


def test_a_missing_library_is_a_problem_with_its_consequence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(doctor.REQUIRED, "no-such-library", "nothing can be juggled")
    monkeypatch.setitem(doctor.EXTRAS, "circus", ("no-such-extra", "no elephants"))
    assert call("doctor") == 1
    out, err = capsys.readouterr()
    assert "no-such-library is not installed: nothing can be juggled" in out
    assert "pip install 'tfxfer[circus]'" in out
    assert err.startswith("error: the main job cannot be done here")


def test_every_extra_that_is_named_to_users_exists() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("exports/**/*.md")]
    text = "".join(path.read_text("utf-8") for path in (*pages, *ROOT.glob("tfxfer/**/*.py")))
    named = {name for group in re.findall(r"tfxfer\[([a-z,]+)\]", text) for name in group.split(",")}
    assert {*named, *doctor.EXTRAS} <= set(known)
    assert {"kaggle", "kerashub"} <= named


def test_another_backend_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert call("doctor") == 1
    assert "Set KERAS_BACKEND=tensorflow." in capsys.readouterr().out


def test_devices_are_listed_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor", "--devices", "--json") == 0
    assert any(device.startswith("CPU") for device in json.loads(capsys.readouterr().out)["devices"])
