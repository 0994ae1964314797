"""Checkpoints: a training that was cut off goes on where it was, and ends as if it had not been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfxfer.errors import TrainingError
from tfxfer.store.fingerprint import value_sha256
from tfxfer.store.journal import Journal
from tfxfer.training.carry import Carry, longer_best
from tfxfer.training.checkpoint_files import CheckpointFolder
from tfxfer.training.history import History
from tfxfer.training.keeper import RUNNING, Keeper
from tfxfer.training.optimizers import OPTIMIZERS, built_optimizer
from tfxfer.training.parts import Part
from tfxfer.training.snapshot import Snapshot, assign, numbered, prefixed, values_of
from tfxfer.training.stopping import Stop

FINISHED = "finished"
MINUTES = 5.0
NAMES = {kind: name for name, kind in OPTIMIZERS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoints:
    """Where one training keeps its checkpoints: of the phase that runs, and of the last two that are finished.

    The folder is for the same training with the same data, seed and versions; another list of phases is refused.
    """

    path: Path
    minutes: float = MINUTES  # within an epoch, the most between two of them
    stop: Stop = field(default_factory=Stop)

    @property
    def folder(self) -> CheckpointFolder:
        return CheckpointFolder(self.path)

    def begin(
        self, model: keras.Model, parts: Sequence[Part], seed: int, journal: Journal, carry: Carry
    ) -> tuple[History, ...]:
        """Bring `model` and `carry` to the end of the last finished part; the histories of all finished ones.

        Raises:
            TrainingError: the folder holds checkpoints of another training.
        """
        plan = _fingerprint(parts, seed)
        for digest, found in self.folder.newest_first(FINISHED, journal):
            if found.facts["plan"] != plan:
                raise TrainingError(
                    f"'{self.path}' must hold checkpoints of this training. Received: those of other phases or "
                    "another seed. Choose another folder, or delete this one."
                )
            with model.distribute_strategy.scope():
                _restore(model, carry, found, parts[len(found.facts["histories"]) - 1])
            histories = tuple(History.of(value) for value in found.facts["histories"])
            if len(histories) < len(parts):
                journal.write("decision", text=f"goes on after phase {histories[-1].phase}")
            carry.keeper = self._keeper(len(histories), digest, journal)
            return histories
        carry.keeper = self._keeper(0, plan[:16], journal)
        return ()

    def finished(
        self,
        model: keras.Model,
        parts: Sequence[Part],
        seed: int,
        journal: Journal,
        carry: Carry,
        histories: Sequence[History],
    ) -> None:
        """Keep the end of a part, and then forget what it was on the way there."""
        facts = {"plan": _fingerprint(parts, seed), "histories": [asdict(history) for history in histories]}
        digest = self.folder.write(FINISHED, _taken(model, carry, facts))
        self.folder.remove(RUNNING)
        carry.keeper = self._keeper(len(histories), digest, journal)
        self.stop.obey()

    def _keeper(self, part: int, after: str, journal: Journal) -> Keeper:
        return Keeper(self.folder, journal, self.stop, part, after, self.minutes)


def _fingerprint(parts: Sequence[Part], seed: int) -> str:
    return value_sha256([seed, *(asdict(part) for part in parts)])


def _taken(model: keras.Model, carry: Carry, facts: dict[str, Any]) -> Snapshot:
    places = {id(variable): place for place, variable in enumerate(model.variables)}
    arrays = numbered("model", values_of(model.variables))
    optimizers: list[dict[str, Any]] = []
    for number, optimizer in enumerate(_distinct(carry)):
        built_for = optimizer._trainable_variables
        optimizers.append(
            {
                "name": NAMES[type(optimizer)],
                "decay": optimizer.weight_decay,
                "built_for": [places[id(variable)] for variable in built_for],
                "owned": [places[id(known)] for known, owner in carry.owners() if owner is optimizer],
            }
        )
        arrays |= numbered(f"optimizer{number}", values_of(optimizer.variables))
    origins = carry.first_values()
    arrays |= numbered("origin", [value for _, value in origins])
    longer, kept = (None, {}) if carry.longer is None else carry.longer.as_state()
    arrays |= prefixed("longer", kept)
    facts = {
        **facts,
        "longer": longer,
        "optimizers": optimizers,
        "origins": [places[id(variable)] for variable, _ in origins],
        "slowed": carry.slowed,
    }
    return Snapshot(arrays, facts)


def _restore(model: keras.Model, carry: Carry, found: Snapshot, part: Part) -> None:
    variables = model.variables
    assign(variables, found.under("model"), "weights")
    owned = []
    for number, entry in enumerate(found.facts["optimizers"]):
        built_for = [variables[place] for place in entry["built_for"]]
        optimizer = built_optimizer(entry["name"], built_for, 0.0, entry["decay"])
        assign(optimizer.variables, found.under(f"optimizer{number}"), "state of an optimizer")
        owned += [(variables[place], optimizer) for place in entry["owned"]]
    values: Sequence[np.ndarray] = found.under("origin")
    origins = [(variables[place], value) for place, value in zip(found.facts["origins"], values, strict=True)]
    longer = None
    if found.facts["longer"] is not None:
        longer = longer_best(model, part.phase, found.facts["histories"][-1]["monitor"])
        longer.take_state(found.facts["longer"], found.within("longer"))
    carry.restore(owned, origins, found.facts["slowed"], longer)


def _distinct(carry: Carry) -> list[keras.optimizers.Optimizer]:
    """Each optimizer once, in the order of its first weight."""
    return list({id(optimizer): optimizer for _, optimizer in carry.owners()}.values())
