"""A temperature folded into a network: its logits divided, with nothing added to the graph."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from tfxfer.backbones.graph import steps_between
from tfxfer.errors import NetworkError
from tfxfer.network.network import Network


def divide_logits(network: Network, temperature: float) -> Network:
    """The same network with its last kernel and bias divided by `temperature`; the original is not touched.

    All other layers are shared with the original.

    Raises:
        NetworkError: the network does not end in a Dense layer without an activation.
    """
    last = steps_between(network.model.inputs, network.model.outputs)[-1]
    layer = last.operation
    if not isinstance(layer, keras.layers.Dense) or layer.activation is not keras.activations.linear:
        raise NetworkError(
            "a temperature is folded into a last layer that is Dense, without an activation. "
            f"Received: {layer.name!r} ({type(layer).__name__}). Use temperature: report."
        )
    divided = keras.layers.Dense.from_config(layer.get_config())
    logits = divided(last.inputs[0])
    divided.set_weights([(weights / temperature).astype(np.float32) for weights in layer.get_weights()])
    model = keras.Model(network.model.inputs[0], logits, name=network.model.name)
    return replace(network, model=model)
