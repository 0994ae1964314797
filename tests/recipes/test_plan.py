"""Recipes: names become phases, `auto` gives its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfxfer.catalogue.recipes import RECIPES
from tfxfer.errors import UsageError
from tfxfer.recipes.plan import PHASES, Facts, plan_phases

MANY = Facts(images=700, classes=5, smallest_class=130, blocks=18)


def test_every_recipe_of_the_catalogue_has_phases() -> None:
    assert set(PHASES) | {"auto"} == set(RECIPES)
    for name in RECIPES:
        plan = plan_phases(name, MANY)
        assert plan.phases
        assert len({phase.name for phase in plan.phases}) == len(plan.phases)


def test_feature_extraction_moves_the_head_alone() -> None:
    assert [phase.unfreeze for phase in plan_phases("feature_extraction", MANY).phases] == ["none"]


def test_scratch_learns_everything_statistics_too() -> None:
    (phase,) = plan_phases("scratch", MANY).phases
    assert (phase.unfreeze, phase.batch_norm) == ("all", "learn")


@pytest.mark.parametrize("name", ["partial", "full"])
def test_fine_tuning_starts_from_the_head_warms_up_and_is_slower_further_down(name: str) -> None:
    head, blocks = plan_phases(name, MANY).phases
    assert head.unfreeze == "none"
    assert blocks.learning_rate <= 1e-3
    assert blocks.learning_rate_decay < 1
    assert blocks.warmup_steps > 0
    assert blocks.batch_norm == "frozen"


def test_gradual_unfreezes_one_block_an_epoch_each_slower_than_the_one_above() -> None:
    head, blocks = plan_phases("gradual", MANY).phases
    assert head.unfreeze == "none"
    assert blocks.unfreezings == ("1 blocks", "2 blocks", "3 blocks", "4 blocks", "5 blocks", "6 blocks")
    assert [epoch for epoch, _ in blocks.unfreeze] == list(range(6))  # type: ignore[union-attr]
    assert blocks.learning_rate_decay**2 == pytest.approx(1 / 2.6)
    assert blocks.schedule == "slanted_triangular"
    assert blocks.epochs == 14


def test_lpft_moves_everything_at_one_small_rate_from_a_solved_head() -> None:
    head, blocks = plan_phases("lpft", MANY).phases
    assert (head.unfreeze, head.solver) == ("none", "auto")
    assert (blocks.unfreeze, blocks.learning_rate_decay, blocks.head_learning_rate) == ("all", 1.0, None)
    assert blocks.learning_rate <= 1e-4


def test_the_first_block_stays_frozen() -> None:
    assert plan_phases("partial", replace(MANY, blocks=19)).phases[1].unfreeze == "6 blocks"
    assert plan_phases("partial", replace(MANY, blocks=4)).phases[1].unfreeze == "3 blocks"


@pytest.mark.parametrize(
    ("facts", "recipe", "reason"),
    [
        (MANY, "auto", "130 in the smallest"),
        (replace(MANY, images=50, smallest_class=5), "feature_extraction", "under 20"),
        (replace(MANY, pretrained=False), "scratch", "random"),
        (replace(MANY, frozen_only=True), "feature_extraction", "only be frozen"),
    ],
)
def test_auto_gives_its_reason(facts: Facts, recipe: str, reason: str) -> None:
    plan = plan_phases("auto", facts)
    assert plan.recipe == recipe
    assert reason in plan.why


def test_what_cannot_be_is_refused_with_the_repair() -> None:
    with pytest.raises(UsageError, match="Did you mean 'partial'"):
        plan_phases("partail", MANY)
    with pytest.raises(UsageError, match="only be frozen"):
        plan_phases("full", replace(MANY, frozen_only=True))
