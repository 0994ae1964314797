"""The domain gap before anything is trained: for `tfxfer plan`, which downloads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.spread import spread_rows
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.data import Record, Source, decode_image, resize_image
from tfxfer.errors import WeightsError
from tfxfer.stages.data import input_channels, input_size

if TYPE_CHECKING:
    from tfxfer.network.network import Network
    from tfxfer.recipes.domain_gap import DomainGap


def planned_domain_gap(
    config: Config, source: Source, train: Sequence[Record], *, network: Network | None
) -> DomainGap:
    """The gap of some training pictures, where the backbone's weights are on this machine; else why not.

    `network` is one that has the run's backbone with its weights already; None: it is loaded here.
    """
    from tfxfer.backbones.keras_applications import no_downloads
    from tfxfer.network.network import attach_head
    from tfxfer.recipes.domain_gap import SAMPLE, DomainGap, domain_gap
    from tfxfer.stages.configured import load_configured_backbone

    if config.backbone.weights == "none":
        return DomainGap(None, why="the backbone's weights are random: they have no source to be far from")
    try:
        with no_downloads():
            if network is None:
                network = attach_head(load_configured_backbone(config.backbone), ("0", "1"))
    except WeightsError as error:
        return DomainGap(None, why=f"a plan downloads nothing, and {_missing(config.backbone, error)}")
    return domain_gap(network, some_pictures(config, source, train, SAMPLE))


def _missing(backbone: BackboneConfig, error: WeightsError) -> str:
    """Of published weights, whose fetching is the run's own first step, no more than that."""
    facts = BACKBONES.get(backbone.name)
    if facts is not None and backbone.weights in facts.weights:
        return (
            f"the weights '{backbone.weights}' of {backbone.name} are not on this machine; `run` fetches them"
        )
    return f"the weights are not here: {error}"


def some_pictures(config: Config, source: Source, records: Sequence[Record], count: int) -> np.ndarray:
    """At most `count` of them, spread over all: (N, H, W, channels) uint8, at the network's size."""
    rows = spread_rows(len(records), count)
    size, rule = input_size(config.backbone), config.data.resize
    channels = input_channels(config.backbone)
    decoded = (decode_image(source.read(records[row]), records[row].path) for row in rows)
    return np.stack([resize_image(picture, size, rule, channels) for picture in decoded])
