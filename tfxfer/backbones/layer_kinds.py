"""Which layers do what, as far as cutting, freezing and rebuilding need to know."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

LEARNING_NORMS = (
    layers.BatchNormalization,
    layers.LayerNormalization,
    layers.GroupNormalization,
    layers.RMSNormalization,
)
NORMS = (*LEARNING_NORMS, layers.UnitNormalization, layers.Normalization)
DENSE_KERNELS = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense, layers.EinsumDense)
POOLS = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)
PADS = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
DROPOUTS = (
    layers.Dropout,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.AlphaDropout,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.ActivityRegularization,
)
AUGMENTATIONS = (
    layers.AugMix,
    layers.CutMix,
    layers.MixUp,
    layers.RandAugment,
    layers.RandomBrightness,
    layers.RandomColorDegeneration,
    layers.RandomColorJitter,
    layers.RandomContrast,
    layers.RandomCrop,
    layers.RandomElasticTransform,
    layers.RandomErasing,
    layers.RandomFlip,
    layers.RandomGaussianBlur,
    layers.RandomGrayscale,
    layers.RandomHue,
    layers.RandomInvert,
    layers.RandomPerspective,
    layers.RandomPosterization,
    layers.RandomRotation,
    layers.RandomSaturation,
    layers.RandomSharpness,
    layers.RandomShear,
    layers.RandomTranslation,
    layers.RandomZoom,
)


def is_norm(operation: Any) -> bool:
    """A normalisation, with or without weights."""
    return isinstance(operation, NORMS)


def has_kernel(operation: Any) -> bool:
    """A layer whose weights are more than a normalisation's: the reason for a block to exist."""
    return isinstance(operation, keras.Layer) and bool(operation.weights) and not is_norm(operation)


def is_linear_projection(operation: Any) -> bool:
    """A convolution or Dense layer that mixes channels and applies no activation of its own."""
    return isinstance(operation, DENSE_KERNELS) and operation.activation is keras.activations.linear


def is_gate(operation: Any) -> bool:
    """A product of two branches (squeeze-and-excite, hard swish): part of a block, never its end."""
    return isinstance(operation, layers.Multiply) or type(operation).__name__ == "Multiply"


def is_random(operation: Any) -> bool:
    """A layer that answers differently under training=True: dropout, noise, augmentation."""
    return isinstance(operation, DROPOUTS) or is_augmentation(operation)


def is_augmentation(operation: Any) -> bool:
    """A layer that changes images at random (RandomFlip, RandAugment, MixUp, a Pipeline of them)."""
    if isinstance(operation, layers.Pipeline):
        return any(is_augmentation(layer) for layer in operation.layers)
    return isinstance(operation, AUGMENTATIONS)
