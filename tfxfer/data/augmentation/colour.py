"""Colours of each picture, moved by factors of its own: one affine map of red, green and blue for all changes.

All images here are float32 from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

COLOURS = ("brightness", "contrast", "saturation", "hue")
GREY = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue are (ITU-R BT.601)
# Brightness and the two axes of colour (YIQ), in which a turn of the hue is a rotation.
YIQ = np.array([GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], "float32") / 13  # Pillow's ImageFilter.SMOOTH


def recoloured(images: tf.Tensor, values: Mapping[str, float], random: np.random.Generator) -> tf.Tensor:
    """(N, H, W, 3) with brightness, contrast, saturation and hue as asked, in this order; clipped at the end."""
    count = images.shape[0]
    matrix, offset = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    factors = {
        name: random.uniform(1 - values[name], 1 + values[name], count)
        for name in ("brightness", "contrast", "saturation")
        if name in values
    }
    turns = random.uniform(-1, 1, count) * values.get("hue", 0.0)
    if "brightness" in factors:
        matrix *= factors["brightness"][:, None, None]
    if "contrast" in factors:
        grey = np.asarray(tf.reduce_mean(images, axis=(1, 2))) @ GREY
        offset = ((1 - factors["contrast"]) * matrix[:, 0, 0] * grey)[:, None] * np.ones(3)
        matrix *= factors["contrast"][:, None, None]
    for step in (_saturations(factors.get("saturation", np.ones(count))), _hues(turns)):
        matrix, offset = step @ matrix, (step @ offset[:, :, None])[:, :, 0]
    return _mapped(images, matrix, offset)


def brighter(images: tf.Tensor, factors: np.ndarray) -> tf.Tensor:
    """Distance from black, times a factor for each picture (N,)."""
    return tf.clip_by_value(images * _each(factors), 0.0, 1.0)


def contrasted(images: tf.Tensor, factors: np.ndarray) -> tf.Tensor:
    """Distance from the picture's mean grey."""
    grey = np.asarray(tf.reduce_mean(images, axis=(1, 2))) @ GREY
    return tf.clip_by_value(images * _each(factors) + _each((1 - factors) * grey), 0.0, 1.0)


def saturated(images: tf.Tensor, factors: np.ndarray) -> tf.Tensor:
    """Distance of each place from its own grey."""
    return _mapped(images, _saturations(factors), np.zeros((len(factors), 3)))


def sharpened(images: tf.Tensor, factors: np.ndarray) -> tf.Tensor:
    """Distance from the smoothed picture; the outermost rows and columns stay."""
    kernel = tf.constant(np.tile(SMOOTH[:, :, None, None], (1, 1, images.shape[-1], 1)))
    smooth = tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "VALID")
    change = (_each(factors) - 1) * (images[:, 1:-1, 1:-1] - smooth)
    return tf.clip_by_value(images + tf.pad(change, [[0, 0], [1, 1], [1, 1], [0, 0]]), 0.0, 1.0)


def _saturations(factors: np.ndarray) -> np.ndarray:
    """(N, 3, 3): away from grey by a factor."""
    shares = factors[:, None, None]
    return shares * np.eye(3) + (1 - shares) * np.tile(GREY, (3, 1))


def _hues(turns: np.ndarray) -> np.ndarray:
    """(N, 3, 3): about grey by a share of the colour circle."""
    angles = 2 * np.pi * turns
    rotation = np.tile(np.eye(3), (len(turns), 1, 1))
    rotation[:, 1, 1] = rotation[:, 2, 2] = np.cos(angles)
    rotation[:, 1, 2], rotation[:, 2, 1] = -np.sin(angles), np.sin(angles)
    return np.linalg.inv(YIQ) @ rotation @ YIQ


def _mapped(images: tf.Tensor, matrix: np.ndarray, offset: np.ndarray) -> tf.Tensor:
    """`matrix` (N, 3, 3) times each colour, and `offset` (N, 3)."""
    count, height, width, _ = images.shape
    colours = tf.reshape(images, (count, height * width, 3))
    found = tf.matmul(colours, matrix.astype("float32"), transpose_b=True) + offset[:, None].astype("float32")
    return tf.reshape(tf.clip_by_value(found, 0.0, 1.0), images.shape)


def _each(values: np.ndarray) -> tf.Tensor:
    """(N,) as (N, 1, 1, 1)."""
    return tf.constant(np.asarray(values, "float32").reshape(-1, 1, 1, 1))
