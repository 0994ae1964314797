from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.formats.models import LABELS, images
from tfxfer.formats.trace import Traced

PLAIN_TENSORFLOW = """
import json, sys
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
outputs = loaded.signatures["serving_default"](image=tf.constant(np.load(sys.argv[2])))
print(json.dumps({name: value.numpy().tolist() for name, value in outputs.items()}))
"""


def test_it_serves_in_a_fresh_process_with_plain_tensorflow(
    artifacts: dict[str, Path], traced: Traced, tmp_path: Path
) -> None:
    batch = images(3)
    np.save(tmp_path / "images.npy", batch)
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_TENSORFLOW, str(artifacts["saved_model"]), str(tmp_path / "images.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    for name, values in traced.function(batch).items():
        np.testing.assert_allclose(found[name], values, atol=2e-5)


def test_it_holds_every_variable_and_the_labels(artifacts: dict[str, Path], traced: Traced) -> None:
    folder = artifacts["saved_model"]
    names = tf.train.load_checkpoint(str(folder / "variables" / "variables")).get_variable_to_shape_map()
    assert len(names) == len(traced.variables) + 1  # and the object graph
    text = (folder / "assets.extra" / "labels.txt").read_text(encoding="utf-8")
    assert text == "".join(f"{label}\n" for label in LABELS)


def test_nothing_random_is_left_in_it(artifacts: dict[str, Path]) -> None:
    names = {path.name for path in artifacts["saved_model"].iterdir()}
    assert names == {"saved_model.pb", "variables", "assets", "assets.extra"}


@pytest.mark.parametrize("cut", [np.s_[0], np.s_[:, :-1], np.s_[..., :2], np.s_[None]])
def test_a_tensor_of_another_shape_is_an_error_and_no_end_of_the_process(
    artifacts: dict[str, Path], cut: object
) -> None:
    serve = tf.saved_model.load(str(artifacts["saved_model"])).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not compatible with expected shape"):
        serve(image=tf.constant(images(3)[cut]))
