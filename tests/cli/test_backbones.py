"""`tfxfer backbones` lists the catalogue and shows one entry."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import call
from tfxfer.catalogue.backbones import BACKBONES


def test_the_list_holds_every_backbone(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("backbones") == 0
    table = capsys.readouterr().out
    assert all(name in table for name in BACKBONES)
    assert call("backbones", "--json") == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(BACKBONES)


@pytest.mark.parametrize("name", ["keras/MobileNetV2", "MobileNetV2"])
def test_one_backbone_is_shown_with_its_facts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("backbones", name) == 0
    page = capsys.readouterr().out
    assert "keras/MobileNetV2" in page
    assert "licence:" in page
    assert call("backbones", name, "--json") == 0
    assert json.loads(capsys.readouterr().out)["image_size"] == [224, 224]
