"""A warning before training where the stated pixels fit the backbone's BatchNorm statistics badly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.catalogue.spread import spread_rows
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.data import Record, Source
from tfxfer.stages.backbone_check import unfitting
from tfxfer.stages.domain_gap import some_pictures

if TYPE_CHECKING:
    from tfxfer.features.fingerprints import Images
    from tfxfer.network.network import Network

IMAGES = 32  # of the training split


def pixel_warnings(config: BackboneConfig, network: Network, images: Images) -> Iterator[str]:
    """What is said of pixels that a person has stated; the catalogue's are known to be right."""
    from tfxfer.backbones.pixel_fit import USUAL, better_fit, pixel_distances
    from tfxfer.catalogue.inputs import ImageInput
    from tfxfer.network.run_backbone import backbone_model

    if config.pixels is None or not isinstance(network.input, ImageInput):
        return
    sample = np.stack([np.asarray(images[int(row)]) for row in spread_rows(len(images), IMAGES)])
    distances = pixel_distances(backbone_model(network), sample, {"stated": config.pixels, **USUAL})
    better = better_fit(config.pixels, distances)
    if better is not None:
        yield (
            f"backbone.pixels may be wrong: {unfitting(better, distances['stated'], distances)} "
            f"Run 'tfxfer check PICTURES --backbone {config.name}' with pictures that it should know."
        )


def planned_pixel_warnings(
    config: Config, source: Source, train: Sequence[Record], *, network: Network | None
) -> Iterator[str]:
    """The same for `tfxfer plan`, where the network has the run's own weights; None: it has not."""
    if network is not None and config.backbone.pixels is not None:
        pictures = some_pictures(config, source, train, IMAGES)
        yield from pixel_warnings(config.backbone, network, pictures)
