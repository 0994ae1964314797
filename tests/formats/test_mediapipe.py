"""An independent reader of LiteRT metadata: MediaPipe's ImageClassifier, in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.models import LABELS, classifier, images
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime

MEDIAPIPE = "mediapipe==1.2.2"
READER = """
import json, sys
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]))
with vision.ImageClassifier.create_from_options(options) as reader:
    found = [reader.classify(mediapipe.Image.create_from_file(path)) for path in sys.argv[2:]]
print(json.dumps([{each.category_name: each.score for each in one.classifications[0].categories} for one in found]))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds MediaPipe and neither tfxfer nor TensorFlow."""
    folder = tmp_path_factory.mktemp("mediapipe") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", MEDIAPIPE], check=True)
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_mediapipe_reads_the_labels_and_gives_the_probabilities(
    precision: str, python: Path, tmp_path: Path
) -> None:
    """Nothing but the file: its labels, that it takes RGB 0-255, and of int8 what its bytes stand for."""
    batch, path = images(5), tmp_path / "model.tflite"
    traced = trace(classifier(), labels=LABELS)
    write_artifact("litert", traced, path, precision=precision, calibration=images(20))
    pictures = [tmp_path / f"{number}.png" for number in range(len(batch))]
    for picture, pixels in zip(pictures, batch, strict=True):
        Image.fromarray(pixels).save(picture)
    command = [python, "-I", "-c", READER, path, *pictures]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert {tuple(sorted(row)) for row in found} == {tuple(sorted(LABELS))}
    expected = open_runtime("litert", path).predict(batch).probabilities
    assert np.ptp(expected, axis=0).max() > 0.01
    said = np.array([[row[label] for label in LABELS] for row in found])
    np.testing.assert_allclose(said, expected, atol=1e-4 if precision != "int8" else 2 / 256)
