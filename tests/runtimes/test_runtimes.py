from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tfxfer.catalogue.formats import FORMATS
from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import format_of, open_runtime
from tfxfer.runtimes.labels import labels_text, parse_labels

WITHOUT_TENSORFLOW = """
import json, sys
import numpy as np
from pathlib import Path
from tfxfer.runtimes import open_runtime
runtime = open_runtime(sys.argv[1], Path(sys.argv[2]))
outputs = runtime.predict(np.full((2, *runtime.input_shape), 7, runtime.input_dtype))
heavy = sorted({"tensorflow", "keras"} & set(sys.modules))
print(json.dumps({"heavy": heavy, "labels": runtime.labels, "shape": outputs.logits.shape}))
"""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A classifier of (8, 8, 3) images in every format."""
    image = keras.Input((8, 8, 3), dtype="uint8", name="image")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    traced = trace(keras.Model(image, keras.layers.Dense(2)(pooled)), labels=["cat", "dog"])
    folder = tmp_path_factory.mktemp("artifacts")
    paths = {name: folder / f"{name}{facts.suffix}" for name, facts in FORMATS.items()}
    return {name: write_artifact(name, traced, path).path for name, path in paths.items()}


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_edge_runtimes_do_without_tensorflow(format: str, artifacts: dict[str, Path]) -> None:
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, format, str(artifacts[format])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found == {"heavy": [], "labels": ["cat", "dog"], "shape": [2, 2]}


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_the_number_of_threads_changes_no_answer(format: str, artifacts: dict[str, Path]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    one, two = (open_runtime(format, artifacts[format], threads=threads) for threads in (1, 2))
    np.testing.assert_allclose(one.predict(images).logits, two.predict(images).logits, atol=1e-6)


def test_threads_of_a_saved_model_belong_to_the_process(artifacts: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"threads must be None for a SavedModel"):
        open_runtime("saved_model", artifacts["saved_model"], threads=1)


@pytest.mark.parametrize(
    ("format", "module", "package"),
    [
        ("litert", "ai_edge_litert.interpreter", "ai-edge-litert"),
        ("onnx", "onnxruntime", "onnxruntime"),
        ("saved_model", "tensorflow", "tensorflow"),
        ("keras", "keras", "tensorflow"),
    ],
)
def test_a_missing_engine_is_named_with_its_repair(
    format: str, module: str, package: str, artifacts: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RuntimeUnavailableError, match=f"pip install {package}"):
        open_runtime(format, artifacts[format])


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_something_else_is_refused(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{FORMATS[format].suffix}"
    if format == "saved_model":
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"not a model")
    else:
        path.write_bytes(b"not a model")
    with pytest.raises(RuntimeUnavailableError, match=f"'{path}' must be .*Export it again"):
        open_runtime(format, path)


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_half_a_file_is_refused(format: str, artifacts: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / f"model{FORMATS[format].suffix}"
    data = artifacts[format].read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(RuntimeUnavailableError, match=f"'{path}' must be"):
        open_runtime(format, path)


def test_a_model_with_other_names_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="picture")
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    model.export(tmp_path / "saved_model", verbose=False)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    model.export(tmp_path / "model.tflite", format="litert", verbose=False)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(RuntimeUnavailableError, match=r"'image'(.|\n)*Export it with tfxfer"):
            open_runtime(format_of(path), path)


def test_nothing_at_the_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match=r"Received: nothing there"):
        open_runtime("onnx", tmp_path / "none.onnx")


def test_the_format_is_read_from_the_path(artifacts: dict[str, Path], tmp_path: Path) -> None:
    assert {format_of(path) for path in artifacts.values()} == set(FORMATS)
    assert format_of("A.TFLITE") == "litert"
    for other in (tmp_path, tmp_path / "model.h5"):
        with pytest.raises(UsageError, match=r"Received: "):
            format_of(other)
    with pytest.raises(UsageError, match=r"Received: 'coreml'"):
        open_runtime("coreml", artifacts["onnx"])


@pytest.mark.parametrize("labels", [(), ("a",), ("weiße Lilie", "a\u2028b", " spaced "), ("", "")])
def test_labels_survive_their_file(labels: tuple[str, ...]) -> None:
    assert parse_labels(labels_text(labels)) == labels
