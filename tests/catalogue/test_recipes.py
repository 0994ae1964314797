"""Recipes have a name and a line of description."""

from __future__ import annotations

from tfxfer.catalogue.recipes import RECIPES


def test_recipes_are_described() -> None:
    assert all(len(words) > 20 for words in RECIPES.values())
    assert "auto" in RECIPES
