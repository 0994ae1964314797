from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.formats.models import classifier, images
from tfxfer.errors import ExportError
from tfxfer.formats.features_engine import EngineName, convert_features


@pytest.mark.parametrize("engine", ["litert", "onnx"])
@pytest.mark.parametrize("layer", ["re_lu", "layer_normalization"])
def test_an_engine_gives_the_prefix_s_features(engine: EngineName, layer: str, tmp_path: Path) -> None:
    model = classifier()
    (found,) = [candidate for candidate in model.layers if candidate.name.startswith(layer)]
    prefix = keras.Model(model.input, found.output)
    (features,) = convert_features(prefix, engine, tmp_path / "prefix").predict(images(5))
    expected = prefix(images(5), training=False).numpy()
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("engine", ["litert", "onnx"])
def test_more_threads_than_images_are_no_trouble(engine: EngineName, tmp_path: Path) -> None:
    predict = convert_features(classifier(), engine, tmp_path / "prefix", threads=3).predict
    batch = images(4)
    (some,), (all_of_them,) = predict(batch[:2]), predict(batch)
    np.testing.assert_allclose(some, all_of_them[:2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("engine", ["litert", "onnx"])
def test_a_prefix_that_the_engine_cannot_take_is_refused(engine: EngineName, tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    with pytest.raises(ExportError, match=r"(?s)Erfinv.*Set features.engine to tensorflow"):
        convert_features(keras.Model(image, keras.ops.erfinv(image)), engine, tmp_path / "prefix")
