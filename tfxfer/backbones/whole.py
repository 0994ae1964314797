"""A backbone with its own classifier, where it has one: to see whether it knows pictures that it should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from tfxfer.backbones.hub import load_hub
from tfxfer.backbones.keras_applications import load_whole_application
from tfxfer.backbones.model_file import load_model_file
from tfxfer.catalogue.backbones import backbone_facts
from tfxfer.catalogue.inputs import Size
from tfxfer.catalogue.pixels import Pixels
from tfxfer.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A classifier and the pixels that it is said to take."""

    model: keras.Model
    size: Size
    pixels: Pixels | None  # None: nobody said

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Of images (N, H, W, 3) after their pixels; logits are turned into probabilities."""
        scores = np.asarray(self.model(inputs, training=False), np.float64)
        if scores.min() >= 0 and np.allclose(scores.sum(-1), 1, atol=1e-3):
            return scores
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)


def load_whole(
    name: str,
    *,
    image_size: Size | None = None,
    weights: str | None = None,
    options: Mapping[str, object] | None = None,
    pixels: Pixels | None = None,
) -> Whole:
    """keras/NAME, hub/HANDLE or file/PATH with what it ends in.

    Raises:
        ConfigError: a name, a size or an option is wrong, or the backbone has no classifier.
        BackboneError: it cannot be loaded.
        NetworkError: a file cannot be read, or would run code.
    """
    kind, _, rest = name.partition("/")
    if kind == "hub":
        loaded = load_hub(rest, image_size, Pixels() if pixels is None else pixels, options=options or {})
        return Whole(loaded.model, loaded.input.size, pixels)
    if kind == "file":
        trusted = (options or {}).get("trusted") is True
        model = load_model_file(rest, trusted=trusted)
        return Whole(model, image_size or _side(name, model), pixels)
    if kind in ("kerashub", "run"):
        raise ConfigError(
            f"{name!r} has no classifier of its own. Received: nothing to check. Save the whole classifier with "
            "model.save('whole.keras') and check file/whole.keras."
        )
    facts = backbone_facts(name)
    if facts.family == "embedded":
        raise ConfigError(
            f"{name!r} was published without a classifier. Received: nothing to check. Choose another."
        )
    size = facts.image_size if image_size is None else image_size
    model = load_whole_application(facts, size, weights or "imagenet", options or {})
    return Whole(model, size, facts.pixels if pixels is None else pixels)


def _side(name: str, model: keras.Model) -> Size:
    shape = model.inputs[0].shape
    if len(shape) != 4 or None in shape[1:3]:
        raise ConfigError(
            f"{name!r} takes {tuple(shape)}. Received: no image_size. Write {name}?image_size=224."
        )
    return int(shape[1]), int(shape[2])
