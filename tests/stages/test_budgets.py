"""What would fit a budget: the width, the cut, the picture's size, the backbone."""

from __future__ import annotations

import pytest

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.sizes import WIDTHS
from tfxfer.network.network import Network, attach_head
from tfxfer.stages.budgets import Overrun, remedy


@pytest.fixture(scope="module")
def network() -> Network:
    import tfxfer

    backbone = tfxfer.load_backbone("keras/MobileNetV2", weights="none", image_size=96)
    return attach_head(backbone, ["a", "b"])


def test_a_file_that_is_too_large_names_alpha_cut_and_backbone(network: Network) -> None:
    said = remedy(Overrun("max_size_bytes", 1_000_000, 2_600_000), network)
    assert "max_size_bytes 1e+06 needs 0.38 of what there is (2.6e+06)" in said
    assert "set backbone.options.alpha: 0.5" in said
    cut = said.split("backbone.until: ")[1].split(";")[0]
    kept = [block.name for block in network.blocks].index(cut) + 1
    allowed = network.model.count_params() * 1_000_000 / 2_600_000
    assert sum(block.parameters for block in network.blocks[:kept]) <= allowed
    assert sum(block.parameters for block in network.blocks[: kept + 1]) > allowed * 0.99
    backbone = said.split("take the backbone ")[1]
    assert BACKBONES[backbone].parameters <= allowed


def test_a_file_that_is_too_slow_names_the_pictures_size_and_alpha(network: Network) -> None:
    said = remedy(Overrun("max_latency_ms_p95", 1.0, 2.0), network)
    assert "set backbone.image_size: 64 (estimated)" in said
    assert "set backbone.options.alpha: 0.5 (estimated)" in said


def test_nothing_is_that_small(network: Network) -> None:
    assert "No backbone of the catalogue is that small" in remedy(
        Overrun("max_size_bytes", 10, 2_600_000), network
    )


def test_widths_are_those_of_the_catalogue() -> None:
    for name, widths in WIDTHS.items():
        assert widths[1.0] == BACKBONES[name].parameters
