"""A batch of training images, augmented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import tensorflow as tf

from tfxfer.catalogue.augmentation import RANGED, Augment
from tfxfer.data.augmentation.colour import COLOURS, recoloured
from tfxfer.data.augmentation.erasing import erased
from tfxfer.data.augmentation.geometry import GEOMETRY, moved
from tfxfer.data.augmentation.randaugment import rand_augmented
from tfxfer.errors import UsageError


def augmented(images: np.ndarray, augment: Augment, random: np.random.Generator) -> np.ndarray:
    """(N, H, W, channels) of the same dtype and range, each picture changed by itself; mixing is apart (see `drawn`).

    The same generator in the same state gives the same pictures.

    Raises:
        UsageError: the images' range is not known (see `check_images`).
    """
    values = cast(Mapping[str, float], augment.active)
    low, high = check_images(images.shape, images.dtype, augment)
    for name, axis in (("horizontal_flip", 1), ("vertical_flip", 0)):
        if name in values:
            images = _flipped(images, random.uniform(size=len(images)) < 0.5, axis)
    if values.keys() & {*GEOMETRY, *COLOURS, "randaugment"}:
        with tf.device("CPU:0"):  # the same pixels whatever trains
            x = _of_pixels(tf.convert_to_tensor(images), augment, (low, high), random)
            images = _as(x * (high - low) + low, images.dtype)
    if "erasing" in values:
        images = erased(images, values["erasing"], (low, high), random)
    return images


def check_images(shape: tuple[int, ...], dtype: np.dtype, augment: Augment) -> tuple[float, float]:
    """Black and white of images that are to be augmented; 0 and 1 for changes that need neither.

    Raises:
        UsageError: the inputs are no images, not RGB where colours change, or of an unknown range that must be known.
    """
    coloured = [name for name in (*COLOURS, "randaugment") if name in augment.active]
    if len(shape) != 4 or (coloured and shape[-1] != 3):
        wanted = (
            f"RGB images (N, H, W, 3) for {', '.join(coloured)}" if coloured else "images (N, H, W, channels)"
        )
        raise UsageError(
            f"augment is for {wanted}. Received: inputs of shape {tuple(shape)}. "
            "Augment them in your own tf.data, or leave that out."
        )
    if augment.value_range is not None:
        return augment.value_range
    if dtype == np.uint8:
        return 0.0, 255.0
    ranged = [name for name in RANGED if name in augment.active]
    if ranged:
        raise UsageError(
            f"augment must know the range of the images for {', '.join(ranged)}. Received: {dtype} images. "
            "Give Augment(value_range=(black, white)), or uint8 images."
        )
    return 0.0, 1.0


def _of_pixels(
    images: tf.Tensor, augment: Augment, bounds: tuple[float, float], random: np.random.Generator
) -> tf.Tensor:
    """What resamples or recolours, in float32 from 0 to 1."""
    values, (low, high) = cast(Mapping[str, float], augment.active), bounds
    x = moved(images, values, random) if values.keys() & set(GEOMETRY) else tf.cast(images, "float32")
    x = (x - low) / (high - low)
    if values.keys() & set(COLOURS):
        x = recoloured(x, values, random)
    if "randaugment" in values:
        x = rand_augmented(x, values["randaugment"], augment.randaugment_operations, random)
    return x


def _flipped(images: np.ndarray, chosen: np.ndarray, axis: int) -> np.ndarray:
    """The chosen ones (N,) mirrored along an axis of each picture."""
    found = images.copy()
    found[chosen] = np.flip(images[chosen], axis + 1)
    return found


def _as(images: tf.Tensor, dtype: np.dtype) -> np.ndarray:
    if dtype == np.uint8:
        images = tf.clip_by_value(tf.round(images), 0, 255)
    return np.asarray(tf.cast(images, tf.as_dtype(dtype)))
