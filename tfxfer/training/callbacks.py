"""Callbacks: ordinary Keras ones, on the full model, with what they expect to find there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from tfxfer.errors import TrainingError
from tfxfer.training.metrics import direction
from tfxfer.training.phase import Phase

MONITORS = (keras.callbacks.EarlyStopping, keras.callbacks.ModelCheckpoint, keras.callbacks.ReduceLROnPlateau)


def check_callbacks(callbacks: Sequence[keras.callbacks.Callback], phase: Phase) -> None:
    """Refuse what cannot work here.

    Raises:
        TrainingError: not a callback, BackupAndRestore, or SwapEMAWeights without an average to swap.
    """
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TrainingError(
                f"callbacks must be keras.callbacks.Callback objects. Received: {callback!r}. Pass objects."
            )
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            raise TrainingError(
                "BackupAndRestore cannot work here: it would bring back a model's weights and epoch, but not the "
                "state of the optimizers of each rate group, nor the order of the examples. Received: "
                "BackupAndRestore. Leave it out; a run keeps checkpoints of its own."
            )
        if isinstance(callback, keras.callbacks.SwapEMAWeights) and phase.ema_momentum is None:
            raise TrainingError(
                f"SwapEMAWeights needs a moving average of the weights. Received: ema_momentum=None in phase "
                f"'{phase.name}'. Set ema_momentum, for example 0.99."
            )


def ready_callbacks(
    callbacks: Sequence[keras.callbacks.Callback], phase: Phase
) -> list[keras.callbacks.Callback]:
    """The caller's callbacks, with directions told where Keras could not; and the average where it is asked for."""
    for callback in callbacks:
        # Keras finds the direction in the compiled metrics of a model, and this one need not be compiled.
        if isinstance(callback, MONITORS) and callback.mode == "auto":
            callback.mode = direction(callback.monitor)
    swapped = any(isinstance(callback, keras.callbacks.SwapEMAWeights) for callback in callbacks)
    if phase.ema_momentum is None or swapped:
        return list(callbacks)
    return [keras.callbacks.SwapEMAWeights(), *callbacks]


@contextmanager
def leading(model: keras.Model, lead: keras.optimizers.Optimizer) -> Iterator[None]:
    """`model.optimizer` is `lead` for the length of the block, and then what it was."""
    before = model.optimizer if model.compiled else None
    model.optimizer = lead
    model.stop_training = False
    try:
        yield
    finally:
        model.optimizer = before
