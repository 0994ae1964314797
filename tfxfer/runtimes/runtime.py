"""What every runtime offers: an input it states, and predictions for batches of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tfxfer.catalogue.tasks import LOGITS, TASK_NAMES, TASKS, VALUES, TaskName, output_names
from tfxfer.errors import DataError, RuntimeUnavailableError
from tfxfer.runtimes.outputs import Outputs

INPUT = "image"
SIGNATURE = "serving_default"
LABELS_FILE = "labels.txt"  # one label a line, UTF-8
TASK_FILE = "task.txt"  # beside the labels, of a network that is no classifier


@runtime_checkable
class Runtime(Protocol):
    """One artifact, open in its engine. Not for use by several threads at once."""

    @property
    def format(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one image: (H, W, channels)."""
        ...

    @property
    def input_dtype(self) -> np.dtype: ...

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels that the file itself holds, in the order of the outputs; None where it holds none."""
        ...

    @property
    def task(self) -> TaskName:
        """What its logits mean."""
        ...

    def predict(self, images: np.ndarray) -> Outputs:
        """Outputs of (N, H, W, channels) images of `input_dtype`.

        Raises:
            DataError: another shape or dtype.
        """
        ...


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What one image must be."""

    shape: tuple[int, ...]  # (H, W, channels)
    dtype: np.dtype

    def check(self, images: np.ndarray) -> None:
        """DataError unless `images` is a batch of this."""
        if images.shape[1:] == self.shape and images.dtype == self.dtype and len(images):
            return
        wanted = ", ".join(str(size) for size in self.shape)
        raise DataError(
            f"images must be of shape (N, {wanted}), N at least 1, and of dtype {self.dtype}. "
            f"Received: shape {images.shape}, dtype {images.dtype}. "
            "Resize by the rule in contract.json, and pass RGB in the range that it states."
        )


ACCEPTED_OUTPUTS = " or ".join(
    f"'{name}' and '{LOGITS}'" for name in sorted({facts.output for facts in TASKS.values()})
)


def first_output(names: Collection[str]) -> str | None:
    """The output that stands before `logits` in a file with outputs of these names; None for other names."""
    for task in TASK_NAMES:
        if sorted(names) == sorted(output_names(task)):
            return TASKS[task].output
    return None


def task_of(first: str, stated: str | None) -> TaskName:
    """The task of a file from its first output, and from what it states of itself.

    Raises:
        RuntimeUnavailableError: it states a task that does not exist.
    """
    if first == VALUES:
        return "regression"
    if stated is None:
        return "classification"
    for task in TASK_NAMES:
        if stated.strip() == task:
            return task
    raise RuntimeUnavailableError(
        f"an exported file must state one of the tasks {', '.join(TASK_NAMES)}. Received: {stated!r}. "
        "Use the tfxfer that wrote it."
    )
