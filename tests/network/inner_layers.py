"""A layer that makes unnamed layers inside itself; as a program, it saves a network that holds one.

python -m tests.network.inner_layers FOLDER
"""

from __future__ import annotations

import sys

import keras
import numpy as np
from keras import layers

from tests.backbones.models import images, randomise
from tfxfer.backbones.backbone import Backbone
from tfxfer.catalogue.inputs import ImageInput
from tfxfer.catalogue.pixels import RAW
from tfxfer.network.network import Network, attach_head
from tfxfer.network.save import save_network


@keras.saving.register_keras_serializable(package="tests")
class Unit(layers.Layer):
    """A convolution and a norm without names."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.convolution = layers.Conv2D(4, 3, padding="same")
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.convolution.build(shape)
        self.norm.build((*shape[:-1], 4))

    def call(self, x):
        return self.norm(self.convolution(x))


@keras.saving.register_keras_serializable(package="tests")
class Pair(layers.Layer):
    """Two units without names, whose weights have the same shapes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.units = [Unit(), Unit()]

    def build(self, shape):
        for unit in self.units:
            unit.build(shape)

    def call(self, x):
        for unit in self.units:
            x = unit(x)
        return x


def network() -> Network:
    """Of two pairs, with weights away from their initial values."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, name="stem")(image)
    model = keras.Model(image, Pair(name="second")(Pair(name="first")(x)), name="own")
    randomise(model)
    backbone = Backbone("model/own", model, ImageInput((8, 8), RAW), "own", "own", "own")
    return attach_head(backbone, ["a", "b"], dropout=0.0)


def make_others() -> None:
    """Layers of the same classes, so that whatever is made next has other numbers in its name."""
    for _ in range(7):
        Pair()


if __name__ == "__main__":
    make_others()
    made = network()
    save_network(made, sys.argv[1])
    np.save(f"{sys.argv[1]}.npy", made.predict(images(4, 8)).logits)
