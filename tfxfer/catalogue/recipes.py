"""The names of the training recipes, and what each does in one line."""

from __future__ import annotations

from collections.abc import Mapping

RECIPES: Mapping[str, str] = {
    "auto": "chooses among the others from the amount of data, and says why",
    "feature_extraction": "the backbone stays as it is; only the head learns, on features computed once",
    "partial": "the head first, then the last blocks of the backbone at a lower rate",
    "full": "the head first, then the whole backbone at a lower rate",
    "scratch": "everything learns from random weights; the yardstick for what transfer gains",
}

# Promised in the documents, refused by name until they are there.
PLANNED_RECIPES: tuple[str, ...] = ("gradual", "lpft")
