"""`auto`: two figures choose one of four cases; plan, figures and alternatives are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tfxfer.recipes.auto import CASES, FAR, MANY, choose
from tfxfer.recipes.facts import Facts, Plan

MANY_NEAR = Facts(images=700, classes=5, smallest_class=130, blocks=18, gap=0.2)
FEW_FAR = replace(MANY_NEAR, images=300, smallest_class=20, gap=0.6)


@pytest.mark.parametrize(
    ("images", "gap", "case"),
    [(300, 0.2, "few and near"), (300, 0.6, "few and far"), (700, 0.2, "many and near"), (700, 0.6, "many and far"),
     (5 * MANY, FAR, "many and far"), (5 * MANY - 1, FAR - 0.01, "few and near")],
)  # fmt: skip
def test_the_number_of_examples_and_the_gap_choose(images: int, gap: float, case: str) -> None:
    plan = choose(replace(MANY_NEAR, images=images, gap=gap))
    assert [entry.case for entry in plan.alternatives if entry.taken] == [case]
    assert [entry.case for entry in plan.alternatives] == list(CASES)
    assert all(entry.does for entry in plan.alternatives)
    assert plan.why.startswith(case)
    assert plan.figures["domain_gap"] == gap
    assert plan.figures["examples_per_class"] == images / 5
    assert json.loads(json.dumps(plan.as_dict()))["name"] == plan.recipe


def test_every_case_solves_the_head_first_and_keeps_it_where_nothing_is_better() -> None:
    for images in (300, 700):
        for gap in (0.2, 0.6):
            head, blocks = choose(replace(MANY_NEAR, images=images, gap=gap)).phases
            assert (head.unfreeze, head.solver) == ("none", "auto")
            assert (blocks.keep, blocks.batch_norm, blocks.schedule) == ("last", "frozen", "cosine")


def test_far_and_many_unfreeze_more_and_faster() -> None:
    near, far = (choose(replace(MANY_NEAR, gap=gap)).phases[1] for gap in (0.2, 0.6))
    assert (near.unfreeze, far.unfreeze) == ("6 blocks", "9 blocks")
    assert far.learning_rate > near.learning_rate
    assert far.learning_rate_decay < near.learning_rate_decay


def test_only_few_and_far_looks_for_lower_features_and_only_where_it_may() -> None:
    assert choose(FEW_FAR).seeks_depth
    assert not choose(replace(FEW_FAR, can_be_cut=False)).seeks_depth
    assert not any(choose(replace(MANY_NEAR, gap=gap)).seeks_depth for gap in (0.2, 0.6))
    assert not choose(replace(FEW_FAR, gap=0.2)).seeks_depth


def test_few_images_have_epochs_enough_for_the_rate_to_rise_and_fall() -> None:
    (_, small), (_, large) = (choose(replace(FEW_FAR, images=images)).phases for images in (60, 499))
    assert small.epochs == 20
    assert small.warmup_steps < 20 * 2 / 3
    assert large.epochs < 12
    _, fast = choose(replace(MANY_NEAR, gap=0.6, images=500)).phases
    assert fast.epochs * 16 >= CASES["many and far"].updates
    _, many = choose(replace(MANY_NEAR, images=100_000)).phases
    assert many.epochs == CASES["many and near"].epochs


def test_very_few_near_examples_leave_the_backbone_alone() -> None:
    plan = choose(replace(MANY_NEAR, images=50, smallest_class=10))
    assert (plan.recipe, len(plan.phases)) == ("feature_extraction", 1)
    assert "under 20 a class" in plan.why


def test_a_gap_that_is_not_known_is_taken_for_a_small_one_and_told() -> None:
    plan = choose(replace(MANY_NEAR, gap=None, why_no_gap="there is no BatchNorm"))
    assert "many and near" in plan.why
    assert "not measured (there is no BatchNorm)" in plan.why
    assert plan.figures["domain_gap"] is None


def test_one_block_always_stays_frozen_and_values_have_no_labels_to_smooth() -> None:
    assert choose(replace(MANY_NEAR, gap=0.9, blocks=1)).phases[1].unfreeze == "1 blocks"
    assert choose(replace(MANY_NEAR, gap=0.9, blocks=2)).phases[1].unfreeze == "1 blocks"
    assert choose(replace(MANY_NEAR, blocks=5)).phases[1].unfreeze == "4 blocks"
    assert choose(replace(MANY_NEAR, task="regression")).phases[1].label_smoothing == 0
    assert choose(MANY_NEAR).phases[1].label_smoothing > 0


def test_fine_tuning_is_not_begun_where_validation_has_nothing_left_to_choose_by() -> None:
    assert choose(MANY_NEAR).enough == 0.99
    assert choose(replace(MANY_NEAR, task="regression")).enough is None
    assert choose(replace(MANY_NEAR, task="multi_label")).enough is None
    assert Plan("partial", (), "asked for").enough is None
