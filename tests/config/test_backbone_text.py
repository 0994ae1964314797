"""Backbones in one line."""

from __future__ import annotations

import pytest

from tfxfer.config.backbone_text import parse_backbone, parse_backbones
from tfxfer.errors import UsageError


def test_keys_of_the_section_and_options_of_the_constructor() -> None:
    text = "keras/MobileNetV2?alpha=0.35&image_size=[96, 64]&weights=a/b%2Cc.h5&until=60%25"
    assert parse_backbone(text) == {
        "name": "keras/MobileNetV2",
        "weights": "a/b,c.h5",
        "image_size": [96, 64],
        "until": "60%",
        "options": {"alpha": 0.35},
    }
    assert parse_backbone("keras/MobileNetV3Small?minimalistic=true")["options"] == {"minimalistic": True}
    assert parse_backbone("keras/MobileNet") == {"name": "keras/MobileNet"}


def test_a_list_keeps_what_was_typed() -> None:
    found = parse_backbones("embedded/small, keras/MobileNet?alpha=0.25")
    assert [text for text, _ in found] == ["embedded/small", "keras/MobileNet?alpha=0.25"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "different backbones"),
        ("a,,b", "different backbones"),
        ("keras/MobileNet,keras/MobileNet", "different backbones"),
        ("keras/MobileNet?alpha", "KEY=VALUE"),
        ("keras/MobileNet?alpha=0.25&alpha=0.5", "a key twice"),
        ("keras/MobileNet?alpha={", "alpha={"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="Received") as refused:
        parse_backbones(text)
    assert said in str(refused.value)
