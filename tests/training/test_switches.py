"""Every recipe, schedule, regulariser, sampler and augmentation has a test that fails when it is switched off."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import pytest

from tests.conftest import ROOT
from tfxfer.config.augment_schema import AugmentConfig
from tfxfer.config.training_schema import ImbalanceConfig, PhaseConfig, RecipeName, TrainingConfig

NAMED = ("schedule", "optimizer", "batch_norm", "solver", "keep")  # every name but the default is a choice
NO_SWITCHES = (
    *("name", "epochs", "recipe", "phases", "imbalance", *NAMED),
    *("deterministic", "checkpoint_minutes"),  # how a run goes on, not what it learns
)
RECIPES, PHASES = "tests/recipes/test_plan.py::test_", "tests/training/test_"
PICTURES = "tests/data/test_augmentation.py::test_"
CHANGE = f"{PICTURES}a_change_changes_each_picture_by_itself_and_again_the_same"
AUGMENTED = f"{PHASES}augmentation.py::test_"
REACHES = f"{AUGMENTED}every_change_reaches_the_training_batches"
OPTIMIZER = f"{PHASES}rates.py::test_every_optimizer_is_the_one_that_was_named"
PROVED_BY = {
    "recipe feature_extraction": f"{RECIPES}feature_extraction_moves_the_head_alone",
    "recipe partial": f"{RECIPES}fine_tuning_starts_from_the_head_warms_up_and_is_slower_further_down[partial]",
    "recipe gradual": f"{RECIPES}gradual_unfreezes_one_block_an_epoch_each_slower_than_the_one_above",
    "recipe full": f"{RECIPES}fine_tuning_starts_from_the_head_warms_up_and_is_slower_further_down[full]",
    "recipe lpft": f"{RECIPES}lpft_moves_everything_at_one_small_rate_from_a_solved_head",
    "recipe scratch": f"{RECIPES}scratch_learns_everything_statistics_too",
    "recipe auto": f"{RECIPES}auto_gives_its_reason",
    "schedule cosine": f"{PHASES}schedules.py::test_cosine_and_linear_fall_to_nothing",
    "schedule linear": f"{PHASES}schedules.py::test_cosine_and_linear_fall_to_nothing",
    "schedule step": f"{PHASES}schedules.py::test_step_falls_after_so_many_epochs",
    "schedule exponential": f"{PHASES}schedules.py::test_exponential_falls_by_its_factor_in_every_epoch",
    "schedule slanted_triangular": f"{PHASES}schedules.py::test_slanted_triangular_is_that_of_howard_and_ruder",
    "schedule one_cycle": f"{PHASES}schedules.py::test_one_cycle_rises_to_the_rate_and_falls_far_below_its_start",
    "schedule plateau": f"{PHASES}schedules.py::test_plateau_slows_down_when_validation_no_longer_gains",
    "phase schedule_options": f"{PHASES}schedules.py::test_step_falls_after_so_many_epochs",
    "phase warmup_steps": f"{PHASES}rates.py::test_warm_up_begins_low",
    "phase unfreeze": f"{PHASES}rates.py::test_a_map_of_rates_is_followed_exactly[sgd-0.3]",
    "phase learning_rate": f"{PHASES}rates.py::test_gradients_are_clipped_together",
    "phase head_learning_rate": f"{PHASES}rates.py::test_first_update_has_the_asked_ratio[sgd-0.3]",
    "phase learning_rate_decay": f"{PHASES}rates.py::test_first_update_has_the_asked_ratio[sgd-0.3]",
    "phase learning_rates": f"{PHASES}rates.py::test_a_map_of_rates_is_followed_exactly[sgd-0.3]",
    "batch_norm learn": f"{PHASES}fit.py::test_statistics_move_only_where_batch_norm_learns",
    "batch_norm reestimate": f"{PHASES}reestimate.py::test_a_phase_takes_them_once_and_keeps_them",
    "phase label_smoothing": f"{PHASES}fit.py::test_label_smoothing_bounds_the_loss_from_below",
    "phase weight_decay": f"{PHASES}rates.py::test_decay_pulls_kernels_and_leaves_vectors",
    "phase l2_sp": f"{PHASES}l2_sp.py::test_the_pull_is_that_of_the_penalty_s_gradient",
    "phase ema_momentum": f"{PHASES}callbacks.py::test_the_average_is_validated_without_a_callback_too",
    "phase gradient_clip": f"{PHASES}rates.py::test_gradients_are_clipped_together",
    "phase gradient_accumulation": f"{PHASES}accumulation.py::test_it_equals_the_larger_batch",
    "phase mixed_precision": f"{PHASES}precision.py::test_16_bits_are_used_and_come_near",
    "phase batch_size": f"{PHASES}accumulation.py::test_it_equals_the_larger_batch",
    "phase early_stopping_patience": f"{PHASES}fit.py::test_early_stopping_counts_epochs_without_progress",
    "phase monitor": f"{PHASES}best.py::test_a_phase_keeps_what_its_monitor_chooses",
    "keep last": f"{PHASES}best.py::test_a_phase_keeps_the_last_epoch_where_it_is_asked_to",
    "solver gradient": f"{PHASES}schedules.py::test_a_training_follows_it[cosine]",
    "solver lbfgs": f"{PHASES}fit.py::test_lbfgs_where_it_cannot_work_is_refused",
    "head dropout": "tests/network/test_network.py::test_the_head_drops_features_while_it_trains_and_only_then",
    "imbalance class_weights": f"{PHASES}balance.py::test_class_weights_are_weights_of_examples",
    "imbalance sampling": f"{PHASES}balance.py::test_balanced_sampling_changes_the_training_and_repeats_with_its_seed",
    "imbalance focal_gamma": f"{PHASES}balance.py::test_a_phase_with_a_gamma_trains_on_it",
    "phase augment": f"{AUGMENTED}the_same_seed_gives_the_same_weights_and_none_of_it_is_without_effect",
    "augment crop": f"{CHANGE}[crop]",
    "augment rotation": f"{CHANGE}[rotation]",
    "augment translation": f"{CHANGE}[translation]",
    "augment zoom": f"{CHANGE}[zoom]",
    "augment horizontal_flip": f"{CHANGE}[horizontal_flip]",
    "augment vertical_flip": f"{CHANGE}[vertical_flip]",
    "augment brightness": f"{CHANGE}[brightness]",
    "augment contrast": f"{CHANGE}[contrast]",
    "augment saturation": f"{CHANGE}[saturation]",
    "augment hue": f"{CHANGE}[hue]",
    "augment randaugment": f"{CHANGE}[randaugment]",
    "augment randaugment_operations": f"{PICTURES}the_number_of_operations_is_the_one_asked_for",
    "augment erasing": f"{CHANGE}[erasing]",
    "augment mixup": f"{REACHES}[mixup]",
    "augment cutmix": f"{REACHES}[cutmix]",
    "augment views": f"{AUGMENTED}views_are_kept_and_trained_on",
    "preset light": f"{PICTURES}a_preset_is_all_its_changes[light]",
    "preset medium": f"{PICTURES}a_preset_is_all_its_changes[medium]",
    "preset heavy": f"{PICTURES}a_preset_is_all_its_changes[heavy]",
    "optimizer adadelta": f"{OPTIMIZER}[adadelta]",
    "optimizer adafactor": f"{OPTIMIZER}[adafactor]",
    "optimizer adagrad": f"{OPTIMIZER}[adagrad]",
    "optimizer adam": f"{OPTIMIZER}[adam]",
    "optimizer adamax": f"{OPTIMIZER}[adamax]",
    "optimizer lamb": f"{OPTIMIZER}[lamb]",
    "optimizer lion": f"{OPTIMIZER}[lion]",
    "optimizer nadam": f"{OPTIMIZER}[nadam]",
    "optimizer rmsprop": f"{OPTIMIZER}[rmsprop]",
    "optimizer sgd": f"{OPTIMIZER}[sgd]",
}


def choices() -> Iterator[str]:
    """Every choice of training that a configuration can make, as `switched_off` names it."""
    fields = {**TrainingConfig.model_fields, **PhaseConfig.model_fields}
    yield from (f"recipe {name}" for name in get_args(RecipeName))
    yield from (f"phase {name}" for name in fields if name not in NO_SWITCHES)
    for name in NAMED:
        yield from (
            f"{name} {value}" for value in get_args(fields[name].annotation) if value != fields[name].default
        )
    yield from (f"imbalance {name}" for name in ImbalanceConfig.model_fields)
    yield from (f"augment {name}" for name in AugmentConfig.model_fields if name != "preset")
    presets = AugmentConfig.model_fields["preset"]
    yield from (f"preset {name}" for name in get_args(presets.annotation) if name != presets.default)
    yield "head dropout"


def test_every_choice_has_its_test() -> None:
    assert set(PROVED_BY) == set(choices())
    for choice, test in PROVED_BY.items():
        file, _, name = test.partition("::")
        found = ast.parse((ROOT / file).read_text("utf-8")).body
        known = {entry.name for entry in found if isinstance(entry, ast.FunctionDef)}
        assert name.partition("[")[0] in known, choice


@pytest.mark.slow
@pytest.mark.parametrize("choice", PROVED_BY)
def test_switched_off_it_fails(choice: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.training.switched_off", PROVED_BY[choice]]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "SWITCHED_OFF": choice},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-2000:]
