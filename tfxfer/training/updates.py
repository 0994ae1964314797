"""Updates: one optimizer per rate group, all following the lead's rate and the schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from tfxfer.training.carry import Carry
from tfxfer.training.groups import HEAD, RateGroup, head_rate
from tfxfer.training.optimizers import OPTIMIZERS, continued_optimizer, group_optimizer, lead_optimizer
from tfxfer.training.phase import Phase
from tfxfer.training.schedules import Timeline, rate_factor

Owned = tuple[RateGroup, keras.optimizers.Optimizer]
SUM = tf.distribute.ReduceOp.SUM


@dataclass(frozen=True, slots=True, eq=False)
class Updates:
    """How gradients become updates. Made in the scope of the strategy that trains."""

    phase: Phase
    groups: tuple[RateGroup, ...]
    optimizers: tuple[keras.optimizers.Optimizer, ...]  # one per group
    lead: keras.optimizers.Optimizer
    timeline: Timeline
    origins: Mapping[int, tf.Variable]  # id of a weight -> what L2-SP pulls it towards

    @classmethod
    def of(cls, phase: Phase, groups: Sequence[RateGroup], timeline: Timeline, carry: Carry) -> Updates:
        """An optimizer for each group: the one that its weights had in the phase before, or else a new one."""
        owned = [
            (group, _optimizer(phase, group, known))
            for group, known in carry.divided(groups, OPTIMIZERS[phase.optimizer])
        ]
        variables = [variable for group, _ in owned for variable in group.variables]
        return cls(
            phase,
            tuple(group for group, _ in owned),
            tuple(optimizer for _, optimizer in owned),
            lead_optimizer(phase, variables, head_rate(phase) * carry.slowed),
            timeline,
            _origins(phase, owned, carry),
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """Every weight that learns, group by group."""
        return [variable for group in self.groups for variable in group.variables]

    @property
    def state(self) -> list[keras.Variable]:
        """The state of every optimizer that updates weights: steps, rates, moments."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    def head_learning_rate(self) -> float:
        """The rate of the head at this step, schedule and callbacks included."""
        step = int(keras.ops.convert_to_numpy(self.lead.iterations))
        rate = float(keras.ops.convert_to_numpy(self.lead.learning_rate))
        return rate * float(rate_factor(self.phase, tf.constant(step), self.timeline))

    def set_rates(self) -> None:
        """Give every group its share of the lead's rate; called between replicas, at the start of a step."""
        factor = rate_factor(self.phase, self.lead.iterations.value, self.timeline)
        rate = tf.cast(self.lead.learning_rate.value, tf.float32) * factor
        for group, optimizer in zip(self.groups, self.optimizers, strict=True):
            optimizer.learning_rate.assign(rate * (group.learning_rate / head_rate(self.phase)))

    def apply(self, gradients: Sequence[tf.Tensor | None]) -> None:
        """Apply one replica's share of the gradients, in the order of `variables`; called in each replica."""
        remaining = iter(self._clipped(self._pulled(gradients)))
        for group, optimizer in zip(self.groups, self.optimizers, strict=True):
            pairs = [(next(remaining), variable) for variable in group.variables]
            known = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
            optimizer.apply([gradient for gradient, _ in known], [variable for _, variable in known])
        if self.phase.ema_momentum is not None:
            self.lead._update_model_variables_moving_average(self.lead._trainable_variables)
        self.lead.iterations.assign_add(1)

    def _pulled(self, gradients: Sequence[tf.Tensor | None]) -> Sequence[tf.Tensor | None]:
        """Gradients with this replica's share of L2-SP's."""
        if not self.origins:
            return gradients
        share = self.phase.l2_sp / tf.distribute.get_strategy().num_replicas_in_sync
        return [
            gradient
            if gradient is None or id(variable) not in self.origins
            else gradient + share * (variable.value - self.origins[id(variable)])
            for gradient, variable in zip(gradients, self.variables, strict=True)
        ]

    def _clipped(self, gradients: Sequence[tf.Tensor | None]) -> Sequence[tf.Tensor | None]:
        """Gradients whose sum over replicas has at most the asked norm."""
        if self.phase.gradient_clip is None:
            return gradients
        context = tf.distribute.get_replica_context()
        known = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        whole = context.all_reduce(SUM, known) if context.num_replicas_in_sync > 1 else known
        clipped, _ = tf.clip_by_global_norm(whole, self.phase.gradient_clip)
        # Keras adds up what the replicas apply; all of them hold the same sum now.
        shares = iter([gradient / context.num_replicas_in_sync for gradient in clipped])
        return [None if gradient is None else next(shares) for gradient in gradients]


def _optimizer(
    phase: Phase, group: RateGroup, known: keras.optimizers.Optimizer | None
) -> keras.optimizers.Optimizer:
    if known is None:
        return group_optimizer(phase, group)
    return continued_optimizer(phase, group, known)


def _origins(phase: Phase, owned: Sequence[Owned], carry: Carry) -> dict[int, tf.Variable]:
    """id of a weight of the backbone -> the value it is pulled towards; noted also where nothing pulls yet."""
    backbone = [variable for group, _ in owned if group.name != HEAD for variable in group.variables]
    origins = carry.origins(backbone)
    if not phase.l2_sp:
        return {}
    return {
        id(variable): tf.Variable(origin, trainable=False)
        for variable, origin in zip(backbone, origins, strict=True)
    }
