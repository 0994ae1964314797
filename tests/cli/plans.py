"""A plan as `make_plan` returns it, small and complete."""

from __future__ import annotations

from typing import Any

MISSING = "a plan downloads nothing, and the weights 'imagenet' of keras/MobileNetV2 are not on this machine"
PLAN: dict[str, Any] = {
    "name": "flowers",
    "data": {
        "train": 700,
        "validation": 150,
        "test": 150,
        "classes": 2,
        "labels": ["daisy", "rose"],
        "bad_records": 3,
        "duplicates": 0,
    },
    "backbone": {
        "name": "keras/MobileNetV2",
        "weights": "imagenet",
        "source": "ImageNet-1k",
        "licence": "not stated",
        "until": None,
        "parameters": 2_257_984,
        "image_size": [96, 128],
        "blocks": ["Conv1", "block_1"],
    },
    "domain_gap": [],
    "domain_gap_summary": {"distance": None, "images": 0, "why": MISSING, "formula": "sqrt(...)"},
    "recipe": {
        "name": "auto",
        "why": f"many and near (domain gap not measured ({MISSING}), taken to be near): the solved head",
        "figures": {"examples_per_class": 350.0},
        "alternatives": [
            {"case": "few and near", "does": "cautiously the last third", "taken": False},
            {"case": "many and near", "does": "the solved head", "taken": True},
        ],
    },
    "phases": [
        {
            "name": "head",
            "epochs": 8,
            "learning_rate": 0.001,
            "learning_rates": {"block_1": 0.0001},
            "trainable_parameters": 2562,
            "learns": "the head",
            "cached_boundary": "head_pooling",
            "features": "computed once",
            "feature_engine": "litert",
            "feature_engine_why": "depthwise convolutions on 2 cores",
            "augment": "none",
            "batch_norm": "frozen",
            "solved": False,
        }
    ],
    "exports": [{"file": "litert:int8", "min_top1_agreement": 0.9}],
    "estimates": {
        "seconds": 125,
        "pictures_on_disk_bytes": 5_520_384,
        "features_on_disk_bytes": 0,
        "weights_bytes": 9_083_176,
        "training_memory_bytes": 106_917_536,
    },
    "warnings": ["few pictures"],
}
