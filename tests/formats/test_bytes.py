"""The same network gives the same bytes in every process, whatever was made before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.formats.models import classifier
from tfxfer.catalogue.formats import FORMATS

EXPORT = """
import sys
from pathlib import Path
import keras, numpy as np
from tfxfer.catalogue.formats import FORMATS
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.store.fingerprint import path_sha256
model_path, folder, history = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "history"
if history:
    image = keras.Input((32, 32, 3))
    other = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(image))))
    other.compile("adam", "mse")
    other.fit(np.zeros((2, 32, 32, 3)), np.zeros((2, 2)), verbose=0)
    for name, facts in FORMATS.items():
        write_artifact(name, trace(other), folder / f"other{facts.suffix}.{name}")
traced = trace(keras.models.load_model(model_path), labels=["a", "b", "c"])
for name, facts in FORMATS.items():
    print(name, write_artifact(name, traced, folder / f"artifact{facts.suffix}.{name}").sha256)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    classifier().save(path)
    return path


def digests(model: Path, folder: Path, history: str, hash_seed: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, str(model), str(folder), history],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": str(hash_seed), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return [line for line in done.stdout.splitlines() if len(line.split()) == 2]


def test_two_processes_write_the_same_bytes(model: Path, tmp_path: Path) -> None:
    fresh = digests(model, tmp_path / "a", "fresh", hash_seed=1)
    later = digests(model, tmp_path / "another" / "place", "history", hash_seed=2)
    assert len(fresh) == len(FORMATS)
    assert fresh == later
