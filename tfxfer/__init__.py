"""Transfer learning on Keras and TensorFlow that ends in edge models proven to work.

Importing tfxfer imports neither TensorFlow nor Keras; the functions below do when they are first used.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxfer.catalogue.augmentation import Augment
    from tfxfer.evaluation.evaluate import evaluate
    from tfxfer.features.distances import frechet_distance, maximum_mean_discrepancy
    from tfxfer.network.freeze import freeze
    from tfxfer.network.network import attach_head
    from tfxfer.network.policy import FreezePolicy
    from tfxfer.network.run_backbone import load_any_backbone as load_backbone
    from tfxfer.recipes.domain_gap import domain_gap
    from tfxfer.recipes.fine_tune import fine_tune
    from tfxfer.recipes.ranking import Budget
    from tfxfer.stages.compare_backbones import rank_backbones
    from tfxfer.stages.export_model import export
    from tfxfer.stages.export_options import ExportOptions
    from tfxfer.stages.pipeline import run
    from tfxfer.stages.predict import predict
    from tfxfer.stages.stage import Pipeline, Stage
    from tfxfer.training.finder import find_learning_rate
    from tfxfer.training.fit import fit
    from tfxfer.training.phase import Phase
    from tfxfer.verification.verify import verify_bundle as verify

__version__ = version("tfxfer")

__all__ = [
    "Augment",
    "Budget",
    "ExportOptions",
    "FreezePolicy",
    "Phase",
    "Pipeline",
    "Stage",
    "attach_head",
    "domain_gap",
    "evaluate",
    "export",
    "find_learning_rate",
    "fine_tune",
    "fit",
    "frechet_distance",
    "freeze",
    "load_backbone",
    "maximum_mean_discrepancy",
    "predict",
    "rank_backbones",
    "run",
    "verify",
]

# Public name -> the module and the name there; imported when it is asked for (PEP 562).
_PLACES = {
    "Augment": ("tfxfer.catalogue.augmentation", "Augment"),
    "Budget": ("tfxfer.recipes.ranking", "Budget"),
    "ExportOptions": ("tfxfer.stages.export_options", "ExportOptions"),
    "FreezePolicy": ("tfxfer.network.policy", "FreezePolicy"),
    "Phase": ("tfxfer.training.phase", "Phase"),
    "Pipeline": ("tfxfer.stages.stage", "Pipeline"),
    "Stage": ("tfxfer.stages.stage", "Stage"),
    "attach_head": ("tfxfer.network.network", "attach_head"),
    "domain_gap": ("tfxfer.recipes.domain_gap", "domain_gap"),
    "evaluate": ("tfxfer.evaluation.evaluate", "evaluate"),
    "export": ("tfxfer.stages.export_model", "export"),
    "find_learning_rate": ("tfxfer.training.finder", "find_learning_rate"),
    "fine_tune": ("tfxfer.recipes.fine_tune", "fine_tune"),
    "fit": ("tfxfer.training.fit", "fit"),
    "frechet_distance": ("tfxfer.features.distances", "frechet_distance"),
    "freeze": ("tfxfer.network.freeze", "freeze"),
    "load_backbone": ("tfxfer.network.run_backbone", "load_any_backbone"),
    "maximum_mean_discrepancy": ("tfxfer.features.distances", "maximum_mean_discrepancy"),
    "predict": ("tfxfer.stages.predict", "predict"),
    "rank_backbones": ("tfxfer.stages.compare_backbones", "rank_backbones"),
    "run": ("tfxfer.stages.pipeline", "run"),
    "verify": ("tfxfer.verification.verify", "verify_bundle"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'tfxfer' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
