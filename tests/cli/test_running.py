"""`run` and `train`: what is handed to the pipeline, and how a run ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import call
from tfxfer.cli.running import Invocation
from tfxfer.config.schema import Config
from tfxfer.errors import GateError
from tfxfer.stages import pipeline

GOOD = "data: embedded/digits\nbackbone: embedded/small\n"
REPORT = {"test": {"accuracy": 0.5}, "artifacts": []}
Pipeline = Callable[..., dict[str, object]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "run.yaml").write_text(GOOD)
    return tmp_path / "run.yaml"


@pytest.fixture
def pipelined(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pipeline], None]:
    return lambda replacement: monkeypatch.setattr(pipeline, "run_pipeline", replacement)


def test_run_hands_over_config_folder_and_listener(
    config: Path, pipelined: Callable[[Pipeline], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(settings: Config, out: Path, *, resume: bool, listeners: tuple[Callable[..., None]]) -> dict:
        assert (settings.seed, out, resume) == (3, Path("out"), True)
        listeners[0]({"event": "decision", "text": "the head alone"})
        return REPORT

    pipelined(stand_in)
    assert call("run", "run.yaml", "--out", "out", "--set", "seed=3", "--resume", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == REPORT
    assert err == "  the head alone\n"


def test_train_exports_nothing(config: Path, pipelined: Callable[[Pipeline], None]) -> None:
    seen: list[Config] = []

    def stand_in(settings: Config, out: Path, *, resume: bool, listeners: object) -> dict:
        seen.append(settings)
        return REPORT

    pipelined(stand_in)
    assert call("train", "run.yaml", "--out", "out", "--set", "exports=[onnx]") == 0
    assert seen[0].exports == ()


def test_a_failed_gate_prints_the_report_and_exits_1(
    config: Path, pipelined: Callable[[Pipeline], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(settings: Config, out: Path, *, resume: bool, listeners: object) -> dict:
        out.mkdir()
        (out / "report.json").write_text(json.dumps(REPORT))
        raise GateError("onnx:float32: logits differ")

    pipelined(stand_in)
    assert call("run", "run.yaml", "--out", "out") == 1
    out, err = capsys.readouterr()
    assert "test accuracy: 0.5" in out
    assert err == "error: onnx:float32: logits differ\n"


def test_an_interrupted_run_prints_how_to_go_on_and_exits_130(
    config: Path, pipelined: Callable[[Pipeline], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(settings: Config, out: Path, *, resume: bool, listeners: object) -> dict:
        out.mkdir()
        (out / "log.jsonl").touch()
        raise KeyboardInterrupt

    pipelined(stand_in)
    assert call("run", "run.yaml", "--out", "my out", "--set", "name=a b") == 130
    err = capsys.readouterr().err
    assert "go on with: tfxfer run run.yaml --out 'my out' --set 'name=a b' --resume\n" in err
    assert "Traceback" not in err


def test_the_resume_command_can_be_typed() -> None:
    invocation = Invocation("train", Path("a b.yaml"), Path("out"), ("seed=3",))
    assert invocation.resume_command() == "tfxfer train 'a b.yaml' --out out --set seed=3 --resume"
