"""The schema's names are those of the catalogue and of the rooms that use them."""

from __future__ import annotations

from typing import get_args

import pytest

from tfxfer.catalogue.augmentation import Augment
from tfxfer.catalogue.formats import FORMATS
from tfxfer.catalogue.ladder import CHOICES
from tfxfer.catalogue.recipes import RECIPES
from tfxfer.catalogue.schedules import SCHEDULES
from tfxfer.config.augment_schema import AugmentConfig
from tfxfer.config.gates import gate_limits
from tfxfer.config.read import parse_config
from tfxfer.config.schema import FormatName, GatesConfig, PrecisionName
from tfxfer.config.training_schema import (
    ImbalanceConfig,
    OptimizerName,
    PhaseConfig,
    RecipeName,
    ScheduleName,
    TrainingConfig,
)
from tfxfer.config.unfreeze import check_unfreeze
from tfxfer.network.policy import parse_unfreeze
from tfxfer.training import choices, imbalance, phase
from tfxfer.verification.gates import GATES

BASE = {"data": "embedded/digits", "backbone": "embedded/small"}


def test_recipes_formats_and_precisions_are_the_catalogue_s() -> None:
    assert set(get_args(RecipeName)) == set(RECIPES)
    assert set(get_args(FormatName)) == set(FORMATS)
    precisions = {precision for facts in FORMATS.values() for precision in facts.precisions} | set(CHOICES)
    assert set(get_args(PrecisionName) or (PrecisionName,)) == precisions


def test_gates_are_those_that_verification_knows() -> None:
    assert set(GatesConfig.model_fields) == set(GATES)


def test_imbalance_is_that_of_training() -> None:
    known = imbalance.Imbalance()
    assert set(ImbalanceConfig.model_fields) == set(imbalance.Imbalance.__dataclass_fields__)
    assert all(
        getattr(ImbalanceConfig(), name) == getattr(known, name) for name in ImbalanceConfig.model_fields
    )
    common = set(TrainingConfig.model_fields) - {"recipe", "deterministic", "checkpoint_minutes", "phases"}
    assert common <= set(phase.Phase.__dataclass_fields__)


def test_phases_are_those_that_training_knows() -> None:
    assert set(PhaseConfig.model_fields) <= set(phase.Phase.__dataclass_fields__)
    assert set(get_args(OptimizerName)) == set(get_args(choices.OptimizerName))
    assert set(get_args(ScheduleName)) == set(SCHEDULES)
    defaults = phase.Phase("head", epochs=1)
    for name, field in PhaseConfig.model_fields.items():
        # None: what learns is left as it is; training's own augmentation
        if not field.is_required() and name not in ("name", "unfreeze", "augment"):
            assert field.get_default(call_default_factory=True) == getattr(defaults, name), name


SENTENCES = (
    "none",
    "all",
    "1 block",
    "3 blocks",
    "12  blocks",
    "30%",
    "2.5 %",
    "100%",
    "from block_16",
    "from a/b",
)
NO_SENTENCES = (
    "",
    "0 blocks",
    "3",
    "-1 blocks",
    "0%",
    "101%",
    "block_16",
    "from",
    "None",
    "3 blocks ",
    "30",
    "ALL",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_are_taken_here_and_by_the_network(sentence: str) -> None:
    assert check_unfreeze(sentence) == sentence
    parse_unfreeze(sentence)


@pytest.mark.parametrize("sentence", NO_SENTENCES)
def test_other_sentences_are_refused(sentence: str) -> None:
    with pytest.raises(ValueError, match="3 blocks"):
        check_unfreeze(sentence)


def test_the_nearest_limit_wins() -> None:
    tree = {
        **BASE,
        "gates": {"min_accuracy": 0.9, "max_abs_logit_error": 0.01},
        "exports": ["onnx", {"format": "litert", "gates": {"max_abs_logit_error": 0.1}}],
    }
    config = parse_config(tree)
    common, own = (gate_limits(config, export) for export in config.exports)
    assert common["max_abs_logit_error"] == 0.01
    assert own["max_abs_logit_error"] == 0.1
    assert common["min_accuracy"] == own["min_accuracy"] == 0.9
    assert common["min_top1_agreement"] == 0.995


def test_augmentation_is_what_the_catalogue_knows() -> None:
    defaults = Augment()
    assert set(AugmentConfig.model_fields) == set(Augment.__dataclass_fields__) - {"value_range"}
    for name, field in AugmentConfig.model_fields.items():
        assert field.get_default() == getattr(defaults, name), name
