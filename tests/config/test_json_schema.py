"""The JSON schema takes what the reader takes, short and long, and refuses what editors should mark."""

from __future__ import annotations

import jsonschema
import pytest

from tfxfer.config.json_schema import json_schema
from tfxfer.config.template import template
from tfxfer.config.yaml_reader import read_yaml

BASE = {"data": "photos/", "backbone": "keras/MobileNetV2"}
GOOD: tuple[dict[str, object], ...] = (
    {},
    {
        "exports": ["saved_model", "litert:float32", {"format": "onnx"}],
        "training": "auto",
        "head": "classification",
    },
    {"training": None, "gates": None},
    {"backbone": {"name": "hub/x", "pixels": "[-1,1]", "image_size": 224}},
    {"backbone": {"name": "hub/x", "pixels": {"scale": [1, 2, 3], "offset": 0}, "image_size": [224, 192]}},
    {"evaluation": {"slices": ["camera", "site"]}},
    {"bundle": {"golden": "generated"}},
    {"evaluation": {"slices": {"camera": "camera", "day": {"path": "(day)"}, "x": {"column": "y"}}}},
    {"training": {"phases": [{"epochs": 2, "learning_rate": 1e-4, "unfreeze": "3 blocks"}]}},
    {"training": {"phases": [{"epochs": 2, "unfreeze": [{"epoch": 0, "unfreeze": "none"}]}]}},
    {"training": {"imbalance": {"class_weights": "balanced", "sampling": "balanced", "focal_gamma": 2}}},
    {"training": {"imbalance": {"class_weights": {"rare": 5}}}},
    {"training": {"augment": "light", "phases": [{"epochs": 1, "augment": {"preset": "heavy", "hue": 0.1}}]}},
    {"training": {"phases": [{"epochs": 2, "learning_rates": {"head": 1e-3}, "schedule": "step"}]}},
)
BAD: tuple[dict[str, object], ...] = (
    {"epoch": 3},
    {"data": 3},
    {"exports": ["onx"]},
    {"exports": ["litert:int5"]},
    {"training": {"batch_size": "32"}},
    {"training": {"batch_size": 0}},
    {"training": {"phases": [{"epoch": 3}]}},
    {"training": {"phases": [{"epochs": 2, "unfreeze": [{"epoch": 0, "freeze": "none"}]}]}},
    {"training": {"phases": [{"epochs": 2, "schedule": "sine"}]}},
    {"training": {"imbalance": {"class_weights": "even"}}},
    {"training": {"augment": "strong"}},
    {"bundle": {"golden": "photos"}},
    {"training": {"augment": {"crop": 2}}},
    {"gates": {"min_accuracy": 2}},
    {"evaluation": {"slices": {"camera": {"colum": "camera"}}}},
    {"evaluation": {"slices": {"a/b": "camera"}}},
    {"evaluation": {"slices": ["camera", "camera"]}},
    {"backbone": {"name": "hub/x", "pixels": "[0,2]"}},
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("tree", GOOD, ids=range(len(GOOD)))
def test_good_configs_are_taken(tree: dict[str, object]) -> None:
    jsonschema.validate({**BASE, **tree}, json_schema())


@pytest.mark.parametrize("tree", BAD, ids=range(len(BAD)))
def test_bad_configs_are_refused(tree: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**BASE, **tree}, json_schema())


def test_the_template_is_taken() -> None:
    jsonschema.validate(read_yaml(template("classification").encode())[0], json_schema())
