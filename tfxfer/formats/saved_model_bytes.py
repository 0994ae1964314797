"""The signature `serving_bytes`: encoded pictures in, so that a server needs no image library."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfxfer.catalogue.grey import BITS, FROM_FILES, GREY, HALF, SHARES
from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.errors import ExportError
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.saved_model import IMAGE_BYTES


def bytes_function(traced: Traced, rule: ResizeRule) -> Any:
    """A concrete function (N,) of JPEG or PNG files -> the network's outputs, resized by the contract's rule.

    Pixels may be one level off those of Pillow, which rounds between width and height. Unlike tfxfer's own
    decoding, EXIF orientation is not applied, and transparency is dropped: TensorFlow's decoder knows neither.

    Raises:
        ExportError: the network takes neither RGB nor grey pictures.
    """
    if traced.input_shape[-1] not in FROM_FILES:
        raise ExportError(
            f"serving_bytes decodes RGB or grey pictures. Received: a network of {traced.input_shape[-1]} channels."
        )
    size = (traced.input_shape[0], traced.input_shape[1])
    spec = tf.TensorSpec((None,), tf.string, name=IMAGE_BYTES)

    def serve(image_bytes: tf.Tensor) -> Any:
        pictures = tf.map_fn(
            lambda data: _picture(data, size, rule),
            image_bytes,
            fn_output_signature=tf.TensorSpec((*size, 3), tf.uint8),
        )
        pictures = _grey(pictures) if traced.input_shape[-1] == GREY else pictures
        return traced.function(tf.cast(pictures, traced.input_dtype))

    return tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()


def _grey(pictures: tf.Tensor) -> tf.Tensor:
    """(N, h, w, 1) uint8 of (N, h, w, 3), by the contract's formula."""
    shares = tf.constant(SHARES, tf.int32)
    summed = tf.reduce_sum(tf.cast(pictures, tf.int32) * shares, axis=-1, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(summed + HALF, BITS), tf.uint8)


def _picture(data: tf.Tensor, size: Size, rule: ResizeRule) -> tf.Tensor:
    """(h, w, 3) uint8 of one file; the decoder takes JPEG, PNG and BMP alike, whatever its name."""
    image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    image.set_shape((None, None, 3))
    if rule == "crop":
        return _stretched(_cropped(image, size), size)
    return _padded(image, size) if rule == "pad" else _stretched(image, size)


def _stretched(image: tf.Tensor, size: tf.Tensor | Size) -> tf.Tensor:
    resized = tf.image.resize(image, size, method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.floor(resized + 0.5), 0, 255), tf.uint8)


def _cropped(image: tf.Tensor, size: Size) -> tf.Tensor:
    """The largest centred part of the target's shape, as data/resize.py cuts it."""
    (height, width), (rows, columns) = size, _sides(image)
    wide = columns * height > rows * width
    kept_rows = tf.where(wide, rows, _rounded(columns * height, width))
    kept_columns = tf.where(wide, _rounded(rows * width, height), columns)
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    return image[top : top + kept_rows, left : left + kept_columns]


def _padded(image: tf.Tensor, size: Size) -> tf.Tensor:
    """The whole picture on black, as data/resize.py lays it."""
    (rows, columns), (height, width) = _sides(image), tf.unstack(tf.constant(size, tf.int64))
    wide = columns * height > rows * width
    new_rows = tf.where(wide, _rounded(rows * width, columns), height)
    new_columns = tf.where(wide, width, _rounded(columns * height, rows))
    fitted = _stretched(image, tf.cast(tf.stack([new_rows, new_columns]), tf.int32))
    top, left = (height - new_rows) // 2, (width - new_columns) // 2
    below, right = height - new_rows - top, width - new_columns - left
    padded = tf.pad(fitted, tf.stack([[top, below], [left, right], [tf.zeros_like(top), tf.zeros_like(top)]]))
    return tf.ensure_shape(padded, (*size, 3))


def _sides(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    shape = tf.shape(image, out_type=tf.int64)
    return shape[0], shape[1]


def _rounded(numerator: tf.Tensor, denominator: tf.Tensor | int) -> tf.Tensor:
    """numerator / denominator, halves up, at least 1, in whole numbers."""
    divisor = tf.cast(denominator, tf.int64)
    return tf.maximum(tf.constant(1, tf.int64), (2 * numerator + divisor) // (2 * divisor))
