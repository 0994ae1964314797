"""SavedModels that take picture files: the contract's resize rule, inside the graph."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.catalogue.write_options import WriteOptions
from tfxfer.data.decode import decode_image
from tfxfer.data.resize import RULES, resize_image
from tfxfer.errors import ExportError, RuntimeUnavailableError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes.saved_model import SavedModelRuntime
from tfxfer.verification.encoded import bytes_failures

SIZE = (12, 16)


@pytest.fixture(scope="module")
def pixels() -> Traced:
    """A network whose logits are the picture's own pixels."""
    image = keras.Input((*SIZE, 3), dtype="uint8", name="image")
    return trace(keras.Model(image, keras.layers.Flatten()(keras.layers.Rescaling(1.0)(image))))


def picture(height: int, width: int, kind: str) -> bytes:
    """A file with edges and a slope, so that every rule and kernel gives other pixels."""
    rows, columns = np.mgrid[:height, :width]
    values = np.stack([rows * 255 / height, columns * 255 / width, (rows // 5 + columns // 5) % 2 * 255], -1)
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, kind)
    return file.getvalue()


FILES = [
    picture(*size, kind) for kind in ("PNG", "JPEG") for size in ((40, 48), (31, 90), (77, 20), SIZE, (5, 7))
]


def write(traced: Traced, to: Path, rule: ResizeRule) -> SavedModelRuntime:
    return SavedModelRuntime(
        write_artifact("saved_model", traced, to, options=WriteOptions(resize=rule)).path
    )


@pytest.mark.parametrize("rule", RULES)
def test_files_become_the_pixels_that_pillow_makes(rule: ResizeRule, pixels: Traced, tmp_path: Path) -> None:
    runtime = write(pixels, tmp_path / "model", rule)
    wanted = np.stack([resize_image(decode_image(data), SIZE, rule) for data in FILES]).astype(np.float32)
    found = runtime.predict_files(FILES).logits.reshape(wanted.shape)
    assert np.abs(found - wanted).max() <= 1
    assert (found != wanted).mean() < 0.3


def test_it_is_the_same_bytes_again(pixels: Traced, tmp_path: Path) -> None:
    options = WriteOptions(resize="stretch")
    one, two = (
        write_artifact("saved_model", pixels, tmp_path / name, options=options).sha256 for name in ("a", "b")
    )
    assert one == two


def test_another_rule_is_found_on_the_golden_files(pixels: Traced, tmp_path: Path) -> None:
    names = tuple(f"{index}.png" for index in range(3))
    for name, data in zip(names, FILES, strict=False):
        (tmp_path / name).write_bytes(data)
    wanted = np.stack([resize_image(decode_image(data), SIZE, "crop") for data in FILES[:3]])
    vectors: Any = SimpleNamespace(logits=wanted.reshape(3, -1).astype(np.float32))
    contract: Any = SimpleNamespace(pictures=names)
    sound, other = (write(pixels, tmp_path / rule, rule) for rule in ("crop", "stretch"))
    assert bytes_failures(tmp_path, sound, contract, vectors) == []
    (failure,) = bytes_failures(tmp_path, other, contract, vectors)
    assert "it resizes by another rule" in failure


def test_without_the_signature_files_are_refused(pixels: Traced, tmp_path: Path) -> None:
    plain = SavedModelRuntime(write_artifact("saved_model", pixels, tmp_path / "plain").path)
    assert not plain.takes_bytes
    with pytest.raises(RuntimeUnavailableError, match=r"must have the signature 'serving_bytes'"):
        plain.predict_files(FILES[:1])


def test_a_network_of_other_channels_has_none(tmp_path: Path) -> None:
    image = keras.Input((*SIZE, 2), dtype="uint8", name="image")
    two = trace(keras.Model(image, keras.layers.Flatten()(keras.layers.Rescaling(1.0)(image))))
    with pytest.raises(ExportError, match=r"RGB or grey pictures. Received: a network of 2 channels"):
        write(two, tmp_path / "model", "stretch")
    assert not list(tmp_path.iterdir())
