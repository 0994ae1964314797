"""`features.engine: fastest`: engines are timed once for a network, and the choice is kept beside its features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tfxfer.errors import FeaturesError
from tfxfer.features.engines import Basis, Choice, choose_engine, facts_of, time_engines
from tfxfer.network.workers import several_workers
from tfxfer.store.atomic import write_json


def timed_choice(prefix: keras.Model, some: Callable[[], np.ndarray], kept: Path) -> Choice:
    """The choice in the file `kept`, or one made now and written there: the clock never says two things in one run.

    `some` gives a batch of images; of none at all there is nothing to time, and the choice is the rule's.

    Raises:
        FeaturesError: several workers, each with a clock of its own.
    """
    if several_workers():
        raise FeaturesError(
            "features.engine must be the same for every worker. Received: 'fastest', and each has a clock of its own. "
            "Name one of tensorflow, onnxruntime and litert, or leave it to auto."
        )
    found = _read(kept)
    if found is not None:
        return found
    images = some()
    if not len(images):
        return choose_engine(facts_of(prefix, Basis(prefix, 0)))
    choice = time_engines(prefix, images)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, {"engine": choice.engine, "why": choice.why})
    return choice


def _read(kept: Path) -> Choice | None:
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        return Choice(found["engine"], found["why"])
    except (OSError, ValueError, KeyError):
        return None
