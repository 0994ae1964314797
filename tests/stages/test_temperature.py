"""A temperature in whole runs: reported by default, and in every file where it is folded in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.stages.running import cached_stages, events_of, report_of
from tests.stages.test_decision_and_slices import configuration, split_of
from tfxfer.config.read import parse_config
from tfxfer.data.decode import decode_image
from tfxfer.network.save import load_network
from tfxfer.stages.pipeline import run_pipeline
from tfxfer.stages.predict import predict


def run_with(digits: Path, out: Path, temperature: str, *, resume: bool = False) -> dict[str, Any]:
    config = configuration(
        digits, temperature=temperature, decision={"positive": "odd", "specificity": 0.95}, baselines=False
    )
    return run_pipeline(parse_config(config), out, resume=resume)


@pytest.fixture(scope="module")
def reported(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "reported"
    run_with(digits, out, "report")
    return out


@pytest.fixture(scope="module")
def folded(reported: Path, digits: Path) -> Path:
    """The same run continued with the temperature folded in."""
    out = Path(shutil.copytree(reported, reported.with_name("folded")))
    run_with(digits, out, "fold", resume=True)
    return out


def logits_of(run: Path, digits: Path) -> np.ndarray:
    paths, _ = split_of(run, "test")
    images = np.stack([decode_image((digits.parent / path).read_bytes()) for path in paths])
    return load_network(run / "network").predict(images).logits


def test_the_temperature_is_reported_and_changes_nothing(reported: Path) -> None:
    report = report_of(reported)
    found, test = report["temperature"], report["test"]
    assert found["value"] != 1
    assert found["folded"] is False
    assert found["images"] == report["data"]["validation"]
    assert found["validation_loss"]["after"] < found["validation_loss"]["before"]
    assert found["test"]["before"]["expected_calibration_error"] == test["expected_calibration_error"]
    assert found["test"]["after"] != found["test"]["before"]
    assert "a temperature of" in (reported / "report.html").read_text(encoding="utf-8")


def test_folded_in_it_divides_the_logits_of_network_and_files(
    reported: Path,
    folded: Path,
    digits: Path,
) -> None:
    before, after = report_of(reported), report_of(folded)
    temperature = before["temperature"]["value"]
    assert after["temperature"]["folded"] is True
    assert after["temperature"]["value"] == temperature
    np.testing.assert_allclose(
        logits_of(folded, digits) * temperature, logits_of(reported, digits), rtol=1e-4, atol=1e-4
    )
    assert after["test"]["accuracy"] == before["test"]["accuracy"]
    assert after["test"]["confusion"] == before["test"]["confusion"]
    for when in ("before", "after"):
        assert after["temperature"]["test"][when]["loss"] == pytest.approx(
            before["temperature"]["test"][when]["loss"], rel=1e-4
        )
    assert after["test"]["loss"] == pytest.approx(before["temperature"]["test"]["after"]["loss"], rel=1e-4)
    assert {entry["status"] for entry in after["artifacts"]} == {"passed"}


def test_the_decision_rule_and_predict_follow(reported: Path, folded: Path, digits: Path) -> None:
    paths, _ = split_of(folded, "test")
    pictures = [digits.parent / path for path in paths]
    answers = {}
    for run in (reported, folded, folded / "bundle"):
        answers[run] = [entry["label"] for entry in predict(run, pictures)["predictions"]]
    assert answers[folded] == answers[folded / "bundle"] == answers[reported]
    thresholds = [
        json.loads((run / "bundle" / "contract.json").read_text())["threshold"] for run in (reported, folded)
    ]
    odds = [np.log(value / (1 - value)) for value in thresholds]  # a probability's logit is divided too
    assert odds[0] == pytest.approx(odds[1] * report_of(folded)["temperature"]["value"], abs=1e-2)


def test_folding_trains_nothing_again_and_every_later_stage_runs(reported: Path, folded: Path) -> None:
    events = events_of(folded)[len(events_of(reported)) :]
    assert cached_stages(events) == {"data", "train", "temperature"}


def test_none_looks_for_none(digits: Path, reported: Path) -> None:
    out = Path(shutil.copytree(reported, reported.with_name("none")))
    report = run_with(digits, out, "none", resume=True)
    assert "temperature" not in report
    assert "temperature" not in report["stages"]
    assert "a temperature of" not in (out / "report.html").read_text(encoding="utf-8")
