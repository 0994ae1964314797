"""Carry: what goes on from one phase to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import keras
import numpy as np

from tfxfer.training.best import Best
from tfxfer.training.groups import RateGroup
from tfxfer.training.keeper import Keeper
from tfxfer.training.metrics import Logs, monitored
from tfxfer.training.parts import Part
from tfxfer.training.phase import Phase

Owned = tuple[keras.Variable, keras.optimizers.Optimizer]


@dataclass(slots=True, eq=False)
class Carry:
    """Give the same one to every `fit` in a row, and weights that go on learning keep their optimizer's state.

    Momenta, second moments and step counts stay as they were at the epoch whose weights were kept. A weight that
    did not learn by gradient in the phase before, or by another kind of optimizer, begins anew.
    """

    first_epoch: int = 0  # of a longer phase that this one is a part of
    epochs: int | None = None  # of the longer phase; None: the phase is whole
    longer: Best | None = None  # of the longer phase: the ends of its parts, by its epochs
    slowed: float = 1.0  # by schedule "plateau", so far in the longer phase
    keeper: Keeper | None = None  # of the phase's checkpoints; None: there are none
    later: tuple[
        Phase, ...
    ] = ()  # that follow, so that what they need of a frozen part is computed in one pass
    _owners: dict[int, Owned] = field(default_factory=dict, repr=False)  # by id of the weight
    _origins: dict[int, tuple[keras.Variable, np.ndarray]] = field(default_factory=dict, repr=False)

    def enter(self, part: Part, later: Iterable[Part] = ()) -> None:
        """Say which part of a longer phase is next, and what comes after it."""
        self.first_epoch, self.epochs = part.first_epoch, part.epochs
        self.later = tuple(other.phase for other in later)
        if part.first_epoch == 0:
            self.slowed, self.longer = 1.0, None

    def of_longer(self, phase: Phase) -> bool:
        """Whether `phase` is one of several parts of a longer one."""
        return self.epochs not in (None, phase.epochs)

    def judge_longer(self, model: keras.Model, phase: Phase, before: Logs) -> None:
        """Make the model as it is, which validates so, the state that the longer phase is held against; once."""
        if self.longer is None:
            self.longer = longer_best(model, phase, monitored(phase, before))
            self.longer.offer(0, before)

    def divided(
        self, groups: Iterable[RateGroup], kind: type[keras.optimizers.Optimizer]
    ) -> Iterator[tuple[RateGroup, keras.optimizers.Optimizer | None]]:
        """The groups, divided where their weights have different optimizers already; None: none yet."""
        for group in groups:
            members: dict[int, list[keras.Variable]] = {}
            found: dict[int, keras.optimizers.Optimizer | None] = {}
            for variable in group.variables:
                optimizer = self._optimizer(variable, kind)
                members.setdefault(id(optimizer), []).append(variable)
                found[id(optimizer)] = optimizer
            for key, variables in members.items():
                yield replace(group, variables=tuple(variables)), found[key]

    def origins(self, variables: Iterable[keras.Variable]) -> list[np.ndarray]:
        """The value that each weight had when it first was to learn."""
        return [
            self._origins.setdefault(id(variable), (variable, keras.ops.convert_to_numpy(variable)))[1]
            for variable in variables
        ]

    def keep(self, owned: Iterable[tuple[RateGroup, keras.optimizers.Optimizer]]) -> None:
        """Remember the optimizers of the phase that ends; those of weights that did not learn are forgotten."""
        self._owners = {
            id(variable): (variable, optimizer) for group, optimizer in owned for variable in group.variables
        }

    def owners(self) -> list[Owned]:
        """Every weight that learnt in the phase that ended, with its optimizer."""
        return list(self._owners.values())

    def first_values(self) -> list[tuple[keras.Variable, np.ndarray]]:
        """Every weight that was to learn at any time, with the value it had then."""
        return list(self._origins.values())

    def restore(
        self,
        owned: Iterable[Owned],
        origins: Iterable[tuple[keras.Variable, np.ndarray]],
        slowed: float,
        longer: Best | None,
    ) -> None:
        """Take up what another process left, which `owners` and `first_values` told."""
        self._owners = {id(variable): (variable, optimizer) for variable, optimizer in owned}
        self._origins = {id(variable): (variable, value) for variable, value in origins}
        self.slowed, self.longer = slowed, longer

    def _optimizer(
        self, variable: keras.Variable, kind: type[keras.optimizers.Optimizer]
    ) -> keras.optimizers.Optimizer | None:
        owned = self._owners.get(id(variable))
        return owned[1] if owned is not None and type(owned[1]) is kind else None


def longer_best(model: keras.Model, phase: Phase, monitor: str) -> Best:
    """Of a longer phase: the best end of a part, or the state before the first one; all weights of the model."""
    return Best(model, monitor, phase.monitor_mode, keep=phase.keep)
