"""Memory that runs out within a phase, told as what would fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.training.phase import Phase

ALLOCATION = re.compile(r"OOM when allocating[^\n]*")  # in TensorFlow's message, below the names of nodes


@contextmanager
def exhausted_memory_told(phase: Phase) -> Iterator[None]:
    """Raises TrainingError in place of what NumPy, and TensorFlow for a device, raise without room for a tensor."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        found = ALLOCATION.search(str(error))
        batch = "" if phase.batch_size is None else f" of {phase.batch_size} images"
        raise TrainingError(
            f"phase '{phase.name}' must find room in memory for the tensors of a step{batch}. "
            f"Received: {error if found is None else found.group()}. Lower the batch size (gradient_accumulation keeps "
            "the updates of a larger one) or image_size, let fewer blocks learn, or close what else uses the device."
        ) from error
