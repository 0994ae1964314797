"""Names as Keras makes them, and names and initial weights that do not depend on what the process built before."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# The counters behind `add_35` have no public handle but clear_session(), which would reset the caller's too.
from keras.src.backend.common.global_state import get_global_attribute, set_global_attribute

_COUNTERS = "object_name_uids"


def snake_case(name: str) -> str:
    """A class's name as Keras writes it in the names of layers: `Conv2DTranspose` -> `conv2d_transpose`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


@contextmanager
def fresh_names() -> Iterator[None]:
    """Layers made inside are numbered as in a new process; the caller's counters come back afterwards."""
    before = get_global_attribute(_COUNTERS)
    set_global_attribute(_COUNTERS, defaultdict(int))
    try:
        yield
    finally:
        set_global_attribute(_COUNTERS, before)


@contextmanager
def seeded_initialisers(seed: int) -> Iterator[None]:
    """Initialisers made inside without a seed draw theirs from `seed` (Keras asks Python's `random`)."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
