"""Recipes have a name and a line of description; the planned ones are others."""

from __future__ import annotations

from tfxfer.catalogue.recipes import PLANNED_RECIPES, RECIPES


def test_recipes_are_described_and_planned_ones_are_others() -> None:
    assert all(len(words) > 20 for words in RECIPES.values())
    assert "auto" in RECIPES
    assert not set(PLANNED_RECIPES) & set(RECIPES)
