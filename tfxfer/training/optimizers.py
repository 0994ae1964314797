"""The optimizers a phase can name: ordinary Keras classes, one instance per rate group."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfxfer.training.groups import HEAD, RateGroup
from tfxfer.training.phase import Phase

OPTIMIZERS: dict[str, type[keras.optimizers.Optimizer]] = {
    "adadelta": keras.optimizers.Adadelta,
    "adafactor": keras.optimizers.Adafactor,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "adamw": keras.optimizers.AdamW,
    "lamb": keras.optimizers.Lamb,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def group_optimizer(phase: Phase, group: RateGroup) -> keras.optimizers.Optimizer:
    """One rate group's optimizer, built; its decay is decoupled and leaves vectors (biases, norms) alone."""
    return built_optimizer(phase.optimizer, group.variables, group.learning_rate, _decay(phase, group))


def built_optimizer(
    name: str, variables: Sequence[keras.Variable], rate: float, decay: float
) -> keras.optimizers.Optimizer:
    """An optimizer for exactly these weights, its state at the start."""
    # AdamW takes 0.0 for no decay and refuses None; Adam takes both, and multiplies by 0.0 in vain.
    optimizer = OPTIMIZERS[name](learning_rate=float(rate), weight_decay=decay)
    # Decay pulls a norm's scale to 0, not to 1, and a bias has nothing to gain from it.
    optimizer.exclude_from_weight_decay(
        var_list=[variable for variable in variables if len(variable.shape) < 2]
    )
    optimizer.build(list(variables))
    return optimizer


def continued_optimizer(
    phase: Phase, group: RateGroup, optimizer: keras.optimizers.Optimizer
) -> keras.optimizers.Optimizer:
    """The same optimizer with its state, and the decay that this phase asks for."""
    optimizer.weight_decay = _decay(phase, group)
    return optimizer


def _decay(phase: Phase, group: RateGroup) -> float:
    # L2-SP pulls the backbone towards its pretrained weights; a decay would pull it towards 0 at the same time.
    return 0.0 if phase.l2_sp and group.name != HEAD else float(phase.weight_decay)


def lead_optimizer(
    phase: Phase, variables: Sequence[keras.Variable], rate: float
) -> keras.optimizers.Optimizer:
    """The optimizer that callbacks see as `model.optimizer`: a rate, a step count and the moving average.

    It updates no weight. It is a plain SGD, which has no slots and which Keras can load from a checkpoint
    without tfxfer.
    """
    average = phase.ema_momentum is not None
    momentum = 0.99 if phase.ema_momentum is None else phase.ema_momentum
    lead = keras.optimizers.SGD(learning_rate=float(rate), use_ema=average, ema_momentum=momentum)
    lead.build(list(variables))
    return lead
