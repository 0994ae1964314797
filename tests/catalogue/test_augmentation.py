"""Augment: a preset, what differs from it, and what cannot be meant."""

from __future__ import annotations

import pytest

from tfxfer.catalogue.augmentation import CHANGES, PRESETS, Augment
from tfxfer.errors import UsageError


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_values_and_takes_others_beside_it(preset: str) -> None:
    assert Augment(preset).active == PRESETS[preset]  # type: ignore[arg-type]
    assert Augment(preset, hue=0.1, crop=1.0).active == {
        "hue": 0.1,
        **{name: value for name, value in PRESETS[preset].items() if name != "crop"},
    }  # type: ignore[arg-type]


def test_no_preset_does_less_than_the_one_before() -> None:
    counts = [len(changes) for changes in PRESETS.values()]
    assert counts == sorted(counts)
    assert list(PRESETS["heavy"]) == [name for name in CHANGES if name in PRESETS["heavy"]]


def test_it_says_what_is_on() -> None:
    assert str(Augment()) == "none"
    assert str(Augment("light", brightness=0, views=3)) == (
        "crop 0.8, horizontal_flip, contrast 0.1, 3 views of each image"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "strong"}, "'preset' of augment must be one of none, light, medium, heavy"),
        ({"crop": 0}, "'crop' of augment must be a number from 0.01 to 1"),
        ({"hue": 0.6}, "from 0 to 0.5"),
        ({"horizontal_flip": 1}, "true or false"),
        ({"mixup": float("nan")}, "'mixup'"),
        ({"randaugment_operations": 0}, "whole number from 1 to 10"),
        ({"value_range": (1, 0)}, "black below white"),
        ({"preset": "light", "views": 0}, "'views'"),
        ({"views": 2}, "left out where nothing is augmented"),
        ({"preset": "heavy", "views": 2}, "left out beside mixup and cutmix"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Augment(**values)  # type: ignore[arg-type]
