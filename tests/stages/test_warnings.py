"""Each classic mistake is named with its figure, and a cautious plan gets no warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import make_photos
from tfxfer.recipes.plan import Facts, plan_phases
from tfxfer.stages.warnings import phase_warnings
from tfxfer.training.phase import Phase

CAUTIOUS = {"unfreeze": "3 blocks", "learning_rate": 1e-4, "warmup_steps": 30}


def found(smallest_class: int = 500, *, pretrained: bool = True, **options: object) -> list[str]:
    phase = Phase("tune", **CAUTIOUS | options)  # type: ignore[arg-type]
    return list(phase_warnings([phase], smallest_class, pretrained=pretrained))


@pytest.mark.parametrize(
    ("options", "smallest_class", "words"),
    [
        ({"learning_rate": 2e-3}, 500, ["learns at 0.002", "forget"]),
        ({"learning_rates": {"head": 0.1, "block_1": 5e-3}}, 500, ["learns at 0.005"]),
        ({"unfreeze": "all"}, 99, ["99 training images", "under 100"]),
        ({"unfreeze": ((0, "none"), (2, "all"))}, 40, ["everything", "40 training images"]),
        ({"warmup_steps": 0}, 500, ["without warm-up"]),
        ({"batch_norm": "learn", "batch_size": 8}, 500, ["batches of 8", "noise"]),
        ({"epochs": 40}, 30, ["40 epochs", "30 training images", "early_stopping_patience"]),
    ],
)
def test_each_mistake_is_named_with_its_figure(
    options: dict[str, object], smallest_class: int, words: list[str]
) -> None:
    (warning,) = found(smallest_class, **options)
    assert "'tune'" in warning
    assert all(word in warning for word in words)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rates": {"head": 0.1, "*": 1e-4}, "learning_rate": 1.0},
        {"batch_norm": "learn"},
        {"warmup_steps": 0, "schedule": "slanted_triangular"},
        {"epochs": 40, "early_stopping_patience": 5},
        {"unfreeze": "none", "learning_rate": 0.1, "warmup_steps": 0},
    ],
)
def test_what_is_no_mistake_is_not_named(options: dict[str, object]) -> None:
    assert found(30, **options) == []


def test_random_weights_cannot_be_forgotten() -> None:
    assert found(30, pretrained=False, unfreeze="all", learning_rate=0.01, warmup_steps=0) == []


@pytest.mark.parametrize("recipe", ["feature_extraction", "partial", "gradual", "full", "lpft"])
def test_the_recipes_make_none_of_them(recipe: str) -> None:
    plan = plan_phases(recipe, Facts(images=700, classes=5, smallest_class=130, blocks=18))
    assert list(phase_warnings(plan.phases, 130, pretrained=True)) == []


def test_what_auto_weighs_itself_is_not_warned_of(tmp_path: Path) -> None:
    from tfxfer.config.read import parse_config
    from tfxfer.stages.plan import make_plan

    make_photos(tmp_path / "photos", per_class=60, labels=("common",), seed=1)
    photos = str(make_photos(tmp_path / "photos", per_class=20, labels=("rare",)))
    plan = make_plan(parse_config({"data": photos, "backbone": {"name": "embedded/small", "image_size": 32}}))
    fine = plan["phases"][-1]
    assert fine["epochs"] > 14  # more than the rare class has training images
    assert fine["trainable_parameters"] > plan["phases"][0]["trainable_parameters"]
    assert plan["phases"][0]["solved"] is True
    assert fine["solved"] is False
    assert not [warning for warning in plan["warnings"] if "early_stopping_patience" in warning]
