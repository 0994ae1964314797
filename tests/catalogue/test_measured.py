"""Measured data of backbones: whole, and as the catalogue says."""

from __future__ import annotations

import pytest

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.formats import USUAL_FORMATS
from tfxfer.catalogue.measured import measured_blocks, measured_exports


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_was_measured_in_every_format(name: str) -> None:
    blocks = measured_blocks(name)
    assert len(blocks) == len(set(blocks)) > 1
    exports = measured_exports(name)
    assert [entry.format for entry in exports] == list(USUAL_FORMATS)
    for entry in exports:
        assert entry.image_size >= BACKBONES[name].min_size
        assert (entry.relative_error is None) == bool(entry.why)


def test_a_file_is_little_more_than_its_weights() -> None:
    for name, facts in BACKBONES.items():
        for entry in measured_exports(name):
            assert entry.size_bytes is None or 0.9 < entry.size_bytes / (4 * facts.parameters) < 2.0, name


def test_what_was_not_measured_is_empty() -> None:
    assert measured_blocks("keras/Nothing") == ()
    assert measured_exports("keras/Nothing") == ()
