"""RandAugment (Cubuk et al. 2020): some operations out of fourteen, drawn for each picture, at one magnitude."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from tfxfer.data.augmentation.colour import brighter, contrasted, saturated, sharpened
from tfxfer.data.augmentation.geometry import affine, rotations

Operation = Callable[[tf.Tensor, float, np.ndarray], tf.Tensor]  # images, magnitude 0 to 1, sign (N,) of each


def rand_augmented(
    images: tf.Tensor, magnitude: float, operations: int, random: np.random.Generator
) -> tf.Tensor:
    """(N, H, W, 3) float32 from 0 to 1, each picture after operations of its own."""
    names = list(OPERATIONS)
    for _ in range(operations):
        chosen = random.integers(len(names), size=images.shape[0])
        signs = random.choice([-1.0, 1.0], size=images.shape[0])
        groups = [np.flatnonzero(chosen == number) for number in range(len(names))]
        parts = [
            OPERATIONS[name](tf.gather(images, rows), magnitude, signs[rows])
            for name, rows in zip(names, groups, strict=True)
            if len(rows)
        ]
        rows = np.concatenate([group for group in groups if len(group)])
        images = tf.gather(tf.concat(parts, axis=0), np.argsort(rows))
    return images


def _identity(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return images


def _sheared_x(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return _moved(images, right=0.3 * magnitude * signs)


def _sheared_y(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return _moved(images, down=0.3 * magnitude * signs)


def _shifted_x(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return _moved(images, x=0.45 * magnitude * signs * images.shape[2])


def _shifted_y(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return _moved(images, y=0.45 * magnitude * signs * images.shape[1])


def _rotated(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return affine(images, rotations(np.radians(30 * magnitude * signs)), np.zeros((len(signs), 2)))


def _brighter(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return brighter(images, 1 + 0.9 * magnitude * signs)


def _saturated(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return saturated(images, 1 + 0.9 * magnitude * signs)


def _contrasted(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return contrasted(images, 1 + 0.9 * magnitude * signs)


def _sharpened(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return sharpened(images, 1 + 0.9 * magnitude * signs)


def _posterized(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    steps = 2.0 ** (8 - round(4 * magnitude))
    return tf.minimum(tf.floor(images * steps), steps - 1) / (steps - 1)


def _solarized(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return tf.where(images > 1 - magnitude, 1 - images, images)


def _stretched(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    """Autocontrast: each channel from its darkest to its brightest."""
    low = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(images, axis=(1, 2), keepdims=True)
    return tf.where(high > low, (images - low) / tf.maximum(high - low, 1e-6), images)


def _equalized(images: tf.Tensor, magnitude: float, signs: np.ndarray) -> tf.Tensor:
    return keras.layers.Equalization(value_range=(0, 255), dtype="float32")(images * 255.0) / 255.0


def _moved(
    images: tf.Tensor,
    right: np.ndarray | float = 0.0,
    down: np.ndarray | float = 0.0,
    x: np.ndarray | float = 0.0,
    y: np.ndarray | float = 0.0,
) -> tf.Tensor:
    count = images.shape[0]
    matrices = np.tile(np.eye(2), (count, 1, 1))
    matrices[:, 0, 1], matrices[:, 1, 0] = right, down
    return affine(images, matrices, np.stack([np.broadcast_to(x, count), np.broadcast_to(y, count)], axis=1))


# The paper's operations and ranges, its largest magnitude (30) as 1.
OPERATIONS: Mapping[str, Operation] = {
    "identity": _identity,
    "auto_contrast": _stretched,
    "equalize": _equalized,
    "rotate": _rotated,
    "solarize": _solarized,
    "colour": _saturated,
    "posterize": _posterized,
    "contrast": _contrasted,
    "brightness": _brighter,
    "sharpness": _sharpened,
    "shear_x": _sheared_x,
    "shear_y": _sheared_y,
    "translate_x": _shifted_x,
    "translate_y": _shifted_y,
}
