"""The .keras file opens in any Keras and says what the network says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.formats.models import LABELS, classifier, images
from tfxfer.catalogue.tasks import TaskName
from tfxfer.errors import ExportError, RuntimeUnavailableError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.network.preprocess import Preprocess
from tfxfer.runtimes import open_runtime
from tfxfer.runtimes.keras_file import is_exported

WITHOUT_TFXFER = """
import json, sys
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
outputs = model.predict(np.load(sys.argv[2]), verbose=0)
print(json.dumps({"tfxfer": "tfxfer" in sys.modules, "logits": outputs["logits"].tolist()}))
"""


def small(*, order: str = "rgb", end: str | None = None, layer: keras.Layer | None = None) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), dtype="uint8", name="image")
    maps = Preprocess(order, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))(image)
    if layer is not None:
        maps = layer(maps)
    maps = keras.layers.Conv2D(4, 3)(maps)
    scores = keras.layers.Dense(2, activation=end)(keras.layers.GlobalAveragePooling2D()(maps))
    return keras.Model(image, scores)


@keras.saving.register_keras_serializable(package="test")
class Doubled(keras.layers.Layer):
    def call(self, maps: object) -> object:
        return maps * 2


def test_a_keras_that_knows_nothing_of_tfxfer_opens_it(tmp_path: Path) -> None:
    traced, batch = trace(small(order="bgr"), labels=["cat", "dog"]), images(4)[:, :8, :8]
    artifact = write_artifact("keras", traced, tmp_path / "model.keras")
    np.save(tmp_path / "batch.npy", batch)
    command = [sys.executable, "-c", WITHOUT_TFXFER, str(artifact.path), str(tmp_path / "batch.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tfxfer"] is False
    np.testing.assert_allclose(found["logits"], traced.function(batch)["logits"].numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("task", "end"),
    [
        ("classification", "softmax"),
        ("multi_label", "sigmoid"),
        ("multi_label", None),
        ("regression", None),
    ],
)
def test_every_task_and_both_ends(task: TaskName, end: str | None, tmp_path: Path) -> None:
    traced, batch = trace(small(end=end), task=task), images(4)[:, :8, :8]
    runtime = open_runtime("keras", write_artifact("keras", traced, tmp_path / "model.keras").path)
    outputs, expected = runtime.predict(batch), traced.function(batch)
    assert runtime.task == task
    np.testing.assert_allclose(outputs.logits, expected["logits"].numpy(), rtol=1e-4)
    np.testing.assert_allclose(outputs.probabilities, expected[traced.outputs[0]].numpy(), rtol=1e-4)


def test_a_layer_of_the_users_own_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"Keras's own layers.*Doubled of tests\. Export saved_model"):
        write_artifact("keras", trace(small(layer=Doubled())), tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


def test_an_artifact_is_told_from_a_model_of_the_users(traced: Traced, tmp_path: Path) -> None:
    artifact = write_artifact("keras", traced, tmp_path / "artifact.keras")
    classifier().save(tmp_path / "own.keras")
    assert is_exported(artifact.path)
    assert not is_exported(tmp_path / "own.keras")
    assert open_runtime("keras", artifact.path).labels == LABELS
    with pytest.raises(RuntimeUnavailableError, match=r"must have the input 'image'.*without names"):
        open_runtime("keras", tmp_path / "own.keras")
