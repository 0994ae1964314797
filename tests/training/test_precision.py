"""Mixed precision: 16 bits in the training step alone, float32 weights throughout, files of float32 afterwards."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_balance import difference
from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_images, tiny_model, weights_by_name
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import TrainingError, UsageError
from tfxfer.network.network import attach_head
from tfxfer.training import loss_scale
from tfxfer.training.choices import MixedPrecision
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.loss_scale import START, LossScale
from tfxfer.training.phase import Phase
from tfxfer.training.precision import Arithmetic, Precision, choose_precision, training_devices

SPLIT = fresh_split(*tiny_images())


class Watch(keras.callbacks.Callback):
    """The weights after the last step."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.weights = weights_by_name(self.model)


@functools.cache
def trained(wanted: MixedPrecision, **more: object) -> tuple[dict[str, np.ndarray], History]:
    watch, model = Watch(), settled_model()
    phase = Phase("p", epochs=2, unfreeze="1 block", learning_rate=0.01, mixed_precision=wanted, **more)  # type: ignore[arg-type]
    history = fit(model, SPLIT, fresh_split(*tiny_images(20, 1)), phase, callbacks=[watch])
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    return watch.weights, history


@pytest.mark.parametrize("wanted", ["float16", "bfloat16"])
def test_16_bits_are_used_and_come_near(wanted: MixedPrecision) -> None:
    plain, history = trained(False)
    half, mixed = trained(wanted)
    assert 1e-5 < difference(plain, half) < 0.1
    assert (history.precision, mixed.precision) == ("float32", f"mixed_{wanted}")
    assert history.before == mixed.before  # validation is in float32
    assert f"precision mixed_{wanted}: asked for" in mixed.why


def test_the_choice_is_by_device() -> None:
    model, gpu, tpu = tiny_model(), ("/job:worker/device:GPU:0",), ("/device:TPU:0", "/device:TPU:1")
    assert choose_precision("auto", model, tpu).dtype == "bfloat16"
    assert choose_precision(True, model, gpu).dtype == "float16"
    assert choose_precision("bfloat16", model, gpu).dtype == "bfloat16"
    cpu = training_devices()
    assert choose_precision("auto", model, cpu).dtype == "float32"
    asked = choose_precision(True, model, cpu)
    assert (asked.dtype, asked.why) == (
        "bfloat16",
        "asked for, though this device gains nothing from 16 bits",
    )
    assert choose_precision(False, model, tpu).dtype == "float32"
    assert choose_precision("auto", tiny_model("float64"), tpu).dtype == "float32"
    with pytest.raises(TrainingError, match=r"a model of float32 layers. Received: layers of float64"):
        choose_precision(True, tiny_model("float64"), tpu)
    with pytest.raises(UsageError, match="'mixed_precision' of phase 'p' must be 'auto', True"):
        Phase("p", mixed_precision="float8")  # type: ignore[arg-type]


def test_all_but_preprocessing_and_outputs_compute_in_16_bits() -> None:
    backbone = load_backbone("embedded/small", image_size=32, weights="none")
    model = attach_head(backbone, ["a", "b"], hidden=[8]).model
    before = {layer.name: layer.compute_dtype for layer in model.layers}
    with Arithmetic(model, Precision("float16", "")).tracing():
        dtypes = {layer.name: layer.compute_dtype for layer in model.layers}
    assert {name for name, dtype in dtypes.items() if dtype == "float32"} == {"image", "preprocess", "logits"}
    assert {layer.name: layer.compute_dtype for layer in model.layers} == before


def test_gradients_too_small_for_float16_are_kept_by_scaling() -> None:
    tiny, half = tf.Variable(1.0), 2.0**-12
    scale = LossScale()
    with tf.GradientTape(persistent=True) as tape:
        plain = tf.cast(tf.cast(tiny, tf.float16) * half, tf.float32) * half * half
        large = scale.enlarged(plain)
    assert float(tape.gradient(plain, tiny)) == 0
    (gradient,) = scale.true([tape.gradient(large, tiny)])
    assert float(gradient) == half**3
    assert scale.allows()


def test_an_overflow_skips_the_update_and_halves_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = LossScale()
    scale.true([tf.constant([1.0, np.inf])])
    assert not scale.allows()
    assert float(scale.enlarged(tf.constant(1.0))) == START / 2
    monkeypatch.setattr(loss_scale, "PATIENCE", 2)
    for _ in range(2):
        scale.true([tf.constant([1.0, 2.0]), None])
        assert scale.allows()
    assert float(scale.enlarged(tf.constant(1.0))) == START
    for _ in range(int(np.log2(START))):
        scale.true([tf.constant(np.nan)])
        assert not scale.allows()
    scale.true([tf.constant(np.nan)])
    with pytest.raises(TrainingError, match="mixed_precision to bfloat16 or false"):
        scale.allows()


def test_training_skips_updates_until_the_scale_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[bool] = []
    allows = LossScale.allows

    def told(scale: LossScale) -> bool:
        allowed.append(allows(scale))
        return allowed[-1]

    monkeypatch.setattr(LossScale, "allows", told)
    monkeypatch.setattr(loss_scale, "START", 2.0**21)  # more than float16 holds of these gradients
    weights, _ = trained.__wrapped__("float16")
    monkeypatch.undo()
    assert not allowed[0]
    assert allowed[-1]
    assert all(np.isfinite(value).all() for value in weights.values())
    assert difference(weights, trained("float16")[0]) > 1e-6  # some updates less
    assert difference(weights, weights_by_name(settled_model())) > 1e-3


@pytest.mark.slow
def test_scaling_and_accumulation_go_together() -> None:
    weights, _ = trained("float16", gradient_accumulation=2, batch_size=8)
    assert 1e-6 < difference(weights, trained(False, gradient_accumulation=2, batch_size=8)[0]) < 0.1
