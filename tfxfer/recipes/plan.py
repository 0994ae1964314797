"""Recipes: a name becomes phases, and `auto` says why it chose them. No TensorFlow."""

from __future__ import annotations

import difflib

from tfxfer.catalogue.recipes import RECIPES
from tfxfer.errors import UsageError
from tfxfer.recipes.auto import choose
from tfxfer.recipes.facts import Facts, Plan
from tfxfer.recipes.named import PHASES, named_phases

__all__ = ["PHASES", "Facts", "Plan", "plan_phases"]


def plan_phases(recipe: str, facts: Facts) -> Plan:
    """The phases of a named recipe, or of the one that `auto` chooses for these facts.

    Raises:
        UsageError: no such recipe, or one that this backbone cannot take.
    """
    if recipe == "auto":
        return choose(facts)
    if recipe not in PHASES:
        near = difflib.get_close_matches(recipe, RECIPES, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "Take one of them."
        raise UsageError(f"recipe must be one of {', '.join(RECIPES)}. Received: '{recipe}'. {hint}")
    if facts.frozen_only and recipe != "feature_extraction":
        raise UsageError(
            f"recipe '{recipe}' needs a backbone whose blocks can learn. Received: one that can only be frozen. "
            "Use 'feature_extraction', or another backbone."
        )
    return Plan(recipe, named_phases(recipe, facts), "asked for")
