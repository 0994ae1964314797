"""BatchNorm re-estimated: the statistics are those of the images, and frozen; nothing ends worse than it came."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.errors import TrainingError
from tfxfer.training.cut import cut
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase
from tfxfer.training.reestimate import reestimate

PHASE = Phase("p", epochs=1, unfreeze="none", batch_norm="reestimate", solver="gradient", learning_rate=0.01)


def wanted_statistics(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """By hand, layer after layer, all images at once."""
    found, x = {}, images
    for number in range(3):
        x = keras.ops.convert_to_numpy(model.get_layer(f"block{number}_conv")(x))
        norm = model.get_layer(f"block{number}_norm")
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        found |= {norm.moving_mean.path: mean, norm.moving_variance.path: variance}
        x = (x - mean) / np.sqrt(variance + norm.epsilon) * norm.gamma.numpy() + norm.beta.numpy()
        x = np.maximum(x, 0)
    return found


def test_of_one_batch_they_are_exactly_those_of_every_layer() -> None:
    model, images = settled_model("float64"), 3 * tiny_images(40, dtype="float64")[0] + 1
    wanted, before = wanted_statistics(model, images), weights_by_name(model)
    assert reestimate(cut(model, PHASE), [images]) == 3
    after = weights_by_name(model)
    for path, value in wanted.items():
        np.testing.assert_allclose(after[path], value, rtol=1e-9, atol=1e-12)
        assert np.abs(before[path] - value).max() > 0.01
    assert all(before[path].tobytes() == after[path].tobytes() for path in before.keys() - wanted.keys())


def test_of_several_batches_the_first_layer_s_are_those_of_all_images() -> None:
    model, images = settled_model("float64"), tiny_images(41, dtype="float64")[0]
    images[:20] += 5.0  # batches that differ
    wanted = wanted_statistics(model, images)
    reestimate(cut(model, PHASE), [images[:16], images[16:32], images[32:]])
    norm = model.get_layer("block0_norm")
    np.testing.assert_allclose(norm.moving_mean.numpy(), wanted[norm.moving_mean.path], rtol=1e-9)
    np.testing.assert_allclose(norm.moving_variance.numpy(), wanted[norm.moving_variance.path], rtol=1e-9)


def test_layers_are_left_as_they_were() -> None:
    model = settled_model()
    x = keras.layers.Dropout(0.4, name="drop")(model.get_layer("pool").output)
    model = keras.Model(model.input, keras.layers.Dense(3, name="top")(x))
    made = cut(model, PHASE)
    reestimate(made, [tiny_images(16)[0]])
    assert model.get_layer("drop").rate == 0.4
    norm = model.get_layer("block1_norm")
    assert (norm.momentum, norm.trainable) == (0.9, False)


@pytest.mark.parametrize("unfreeze", ["none", "1 block"])
def test_a_phase_takes_them_once_and_keeps_them(unfreeze: str) -> None:
    images, labels = tiny_images(48)
    shifted = fresh_split((3 * images + 2).astype("float32"), labels)
    model, twin = settled_model(), settled_model()
    before = weights_by_name(model)
    phase = Phase("p", epochs=3, unfreeze=unfreeze, batch_norm="reestimate", solver="gradient", learning_rate=0.02, batch_size=48)  # fmt: skip # noqa: E501
    history = fit(model, shifted, shifted, phase)
    reestimate(cut(twin, phase), [shifted.images[:]])
    statistics = [path for path in before if "moving" in path]
    after, wanted = weights_by_name(model), weights_by_name(twin)
    assert statistics
    assert all(after[path].tobytes() == wanted[path].tobytes() for path in statistics)
    assert any(after[path].tobytes() != before[path].tobytes() for path in statistics)
    assert any("3 BatchNorm layers" in why for why in history.why)


def test_where_validation_loses_the_network_is_as_it_came() -> None:
    model = settled_model()
    fit(
        model,
        tiny_dataset(96),
        tiny_dataset(seed=1),
        Phase("good", epochs=8, unfreeze="all", learning_rate=0.02),
    )
    before = weights_by_name(model)
    wrong = tf.data.Dataset.from_tensor_slices((tiny_images(32)[0] * 0 - 9, tiny_images(32)[1])).batch(16)
    history = fit(model, wrong, tiny_dataset(seed=1), PHASE)
    after = weights_by_name(model)
    assert history.best_epoch == 0
    assert history.before["val_accuracy"] > 0.8
    assert all(before[path].tobytes() == after[path].tobytes() for path in before)


def test_a_backbone_without_batch_norm_is_refused() -> None:
    x = inputs = keras.Input((12, 12, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    with pytest.raises(TrainingError, match="BatchNorm layers"):
        fit(model, tiny_dataset(), tiny_dataset(), PHASE)
