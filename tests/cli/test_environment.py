"""Settings under which Keras would not work are found before Keras is imported; TensorFlow starts silently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import call, spy
from tests.stages.running import events_of, write_config
from tfxfer.cli.environment import backend_problems

GOOD = "data: embedded/digits\nbackbone: embedded/small\n"


def settings(folder: Path, **values: str) -> dict[str, str]:
    (folder / "keras.json").write_text(json.dumps(values))
    return {"KERAS_HOME": str(folder)}


def test_the_defaults_are_no_problem(tmp_path: Path) -> None:
    assert backend_problems({"KERAS_HOME": str(tmp_path)}) == ()
    fine = settings(tmp_path, backend="tensorflow", image_data_format="channels_last")
    assert backend_problems(fine) == ()
    assert backend_problems({**settings(tmp_path, backend="jax"), "KERAS_BACKEND": "tensorflow"}) == ()


@pytest.mark.parametrize(
    ("values", "variables", "words"),
    [
        ({}, {"KERAS_BACKEND": "jax"}, "Received: 'jax' from the environment variable KERAS_BACKEND"),
        ({"backend": "torch"}, {}, "Received: 'torch' from"),
        ({"image_data_format": "channels_first"}, {}, "image_data_format must be channels_last"),
    ],
)
def test_each_problem_names_its_place_and_its_fix(
    values: dict[str, str], variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    (problem,) = backend_problems({**settings(tmp_path, **values), **variables})
    assert words in problem
    assert "KERAS_BACKEND=tensorflow" in problem or '"image_data_format": "channels_last"' in problem


@pytest.mark.parametrize("text", ["", "[1]", "{", "\xff"])
def test_settings_that_cannot_be_read_are_no_problem_of_ours(text: str, tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_bytes(text.encode("latin-1"))
    assert backend_problems({"KERAS_HOME": str(tmp_path)}) == ()


def test_another_backend_is_refused_before_keras_is_imported(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(GOOD)
    result = spy("run", "run.yaml", "--out", "out", cwd=tmp_path, environment={"KERAS_BACKEND": "jax"})
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == "imported:"
    assert "Set KERAS_BACKEND=tensorflow." in result.stderr
    assert not (tmp_path / "out").exists()


def test_tensorflow_starts_without_a_word() -> None:
    code = "from tfxfer.cli.environment import prepare_tensorflow as p; p(); p(); import tensorflow, keras"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert result.stderr == ""


def beside(folder: Path, code: str, *, check: bool) -> subprocess.CompletedProcess[str]:
    """Run code that imports the folder's modules in place of installed ones."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=check,
        timeout=120,
    )


def test_a_failing_import_shows_what_was_held_back(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'why')\nraise ImportError('broken')\n")
    code = "from tfxfer.cli.environment import prepare_tensorflow as p; p(); import tensorflow"
    result = beside(tmp_path, code, check=False)
    assert "why" in result.stderr
    assert "broken" in result.stderr


def test_what_is_held_back_is_in_the_log_of_a_run(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = "E0000 00:00:1 cuda_dnn.cc:8579] Unable to register cuDNN factory"
    (tmp_path / "tensorflow.py").write_text(f"import os\nos.write(2, b{noise!r} + b'\\n')\n")
    code = (
        "from tfxfer.cli.environment import prepare_tensorflow as p; from tfxfer.runtimes import quiet; p(); "
        "import tensorflow; print(quiet.START_UP)"
    )
    result = beside(tmp_path, code, check=True)
    assert (result.stdout, result.stderr) == (f"{[noise]}\n", "")
    monkeypatch.setattr("tfxfer.stages.training.START_UP", [noise])
    rest = "training: {phases: [{name: head, epochs: 1}]}\nevaluation: {baselines: false}\nexports: []\n"
    config = write_config(tmp_path / "run.yaml", photos, rest=rest)
    assert call("run", str(config), "--out", str(tmp_path / "out")) == 0
    assert noise not in capsys.readouterr().err
    assert noise in [event["text"] for event in events_of(tmp_path / "out") if event["event"] == "library"]
