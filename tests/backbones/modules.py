"""Small SavedModels in TF Hub's TF2 format, written without Keras."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

SIDE = 12
MOMENTUM = 0.9


class Tiny(tf.Module):
    """Three convolutions with BatchNorm, dropout and a penalty: images (N, 12, 12, 3) -> features (N, 10)."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.layers = [
            _Unit("tiny/stem", channels, 6, 0),
            _Unit("tiny/block_1_expand", 6, 8, 1),
            _Unit("tiny/block_1_project", 8, 8, 2),
            _Unit("tiny/block_2", 8, 10, 3),
        ]
        self.calls = tf.function(self._call)

    def _call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = images
        for unit in self.layers:
            x = unit(x, training)
        if training:
            x = tf.nn.dropout(x, 0.1)
        return tf.reduce_mean(x, axis=(1, 2))

    def penalty(self) -> tf.Tensor:
        return 0.5 * tf.reduce_sum(self.layers[3].kernel ** 2)


class _Unit(tf.Module):
    def __init__(self, name: str, inputs: int, outputs: int, seed: int) -> None:
        super().__init__()
        kernel = tf.random.stateless_normal((3, 3, inputs, outputs), (seed, 1)) * (2 / (9 * inputs)) ** 0.5
        self.kernel = tf.Variable(kernel, name=f"{name}/kernel")
        self.gamma = tf.Variable(tf.ones(outputs), name=f"{name}_bn/gamma")
        self.beta = tf.Variable(tf.zeros(outputs) + 0.1, name=f"{name}_bn/beta")
        self.mean = tf.Variable(tf.zeros(outputs), trainable=False, name=f"{name}_bn/moving_mean")
        self.variance = tf.Variable(tf.ones(outputs), trainable=False, name=f"{name}_bn/moving_variance")
        self.all = [self.kernel, self.gamma, self.beta, self.mean, self.variance]

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        x = tf.nn.conv2d(x, self.kernel, 1, "SAME")
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = tf.nn.moments(x, (0, 1, 2))
            self.mean.assign(MOMENTUM * self.mean + (1 - MOMENTUM) * mean)
            self.variance.assign(MOMENTUM * self.variance + (1 - MOMENTUM) * variance)
        return tf.nn.relu(tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, 1e-3))


class _Reusable(tf.Module):
    """The object that is saved: what TF Hub's TF2 format asks for, under its names."""

    def __init__(self, tiny: Tiny, endpoints: bool) -> None:
        super().__init__()
        self.tiny = tiny
        self.__call__ = tf.function(self._both if endpoints else tiny._call)
        self.regularization_losses = [tf.function(tiny.penalty, input_signature=[])]

    def _both(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        features = self.tiny._call(images, training)
        return {"default": features, "doubled": features * 2}


def save_tiny(folder: Path, *, endpoints: bool = False, channels: int = 3) -> Path:
    """Tiny in TF Hub's format; with `endpoints` it gives two tensors by name."""
    module = _Reusable(Tiny(channels), endpoints)
    spec = tf.TensorSpec((None, SIDE, SIDE, channels), tf.float32)
    for training in (True, False):
        serving = module.__call__.get_concrete_function(spec, training)
    tf.saved_model.save(module, str(folder), signatures=serving)
    return folder


def save_signature_only(folder: Path) -> Path:
    """A module that has a signature and cannot be called itself."""
    tiny, module = Tiny(), tf.Module()
    module.tiny = tiny
    spec = tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32)
    tf.saved_model.save(module, str(folder), signatures=tiny.calls.get_concrete_function(spec, False))
    return folder


def save_without_gradients(folder: Path) -> Path:
    """A module whose first convolution no gradient reaches."""
    tiny = Tiny()
    unit = tiny.layers[0]
    original = unit.__call__

    class Stopped(_Reusable):
        def _both(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
            x = tf.stop_gradient(original(images, training))
            for later in tiny.layers[1:]:
                x = later(x, training)
            return tf.reduce_mean(x, axis=(1, 2))

    module = Stopped(tiny, endpoints=True)
    spec = tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32)
    for training in (True, False):
        module.__call__.get_concrete_function(spec, training)
    tf.saved_model.save(module, str(folder))
    return folder
