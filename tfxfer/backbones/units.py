"""What freezing and rates deal with: the layers of a flat model, and the parts of a SavedModel in its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfxfer.backbones.saved_model_layer import SavedModelFeatures


def units(layers: Iterable[Any]) -> dict[str, Any]:
    """Name -> layer; a SavedModel that can learn is there as its parts."""
    found: dict[str, Any] = {}
    for layer in layers:
        whole = not isinstance(layer, SavedModelFeatures) or layer.frozen_because
        found |= {part.name: part for part in ([layer] if whole else layer.parts)}
    return found
