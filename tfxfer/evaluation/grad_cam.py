"""Grad-CAM: which part of a picture speaks for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tfxfer.network.network import Network


def grad_cam(network: Network, images: np.ndarray, outputs: Sequence[int]) -> np.ndarray | None:
    """(N, h, w) from 0 to 1: how much each place of the backbone's last features raises one logit of each image.

    `images` are (N, H, W, C) as the network takes them, `outputs` the number of the logit for each. A map is all
    zeros where no place speaks for the logit. None where the features have no places. Selvaraju et al. 2017,
    "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV, equations 1 and 2.
    """
    import tensorflow as tf

    from tfxfer.network.split import split_model

    features = network.backbone_output
    if len(features.shape) != 4:
        return None
    prefix, suffix = split_model(network.model, features)
    found = prefix(images, training=False)
    with tf.GradientTape() as tape:
        tape.watch(found)
        logits = suffix(found, training=False)
        chosen = tf.gather(logits, np.asarray(outputs, np.int64), batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(chosen, found), axis=(1, 2), keepdims=True)
    maps = tf.cast(tf.nn.relu(tf.reduce_sum(weights * found, axis=-1)), tf.float32).numpy()
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
