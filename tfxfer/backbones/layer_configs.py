"""Configurations from which layers can be built again."""

from __future__ import annotations

from typing import Any

from tfxfer.backbones.configs import objects_in

# What a class writes into its configuration though its constructor does not take it: it follows from the rest.
# keras-hub 0.32.0, models/vit/vit_layers.py.
DERIVED = {"ViTPatchingAndEmbedding": ("num_patches", "num_positions")}


def layer_config(layer: Any) -> dict[str, Any]:
    """`layer.get_config()` without what its class cannot take back."""
    config = dict(layer.get_config())
    return {key: value for key, value in config.items() if key not in DERIVED.get(type(layer).__name__, ())}


def drop_derived(config: Any) -> None:
    """The same inside the configuration of a whole model, in place."""
    for entry in objects_in(config):
        for key in DERIVED.get(entry["class_name"], ()):
            entry["config"].pop(key, None)
