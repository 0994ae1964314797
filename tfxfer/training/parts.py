"""Parts: a phase with a schedule of unfreezings, as the phases that it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tfxfer.training.phase import Phase


@dataclass(frozen=True, slots=True)
class Part:
    """A phase that is one piece of a longer one, or the whole of it."""

    phase: Phase
    first_epoch: int  # of the longer one, where this one begins
    epochs: int  # of the longer one, over which its schedule runs

    @property
    def end(self) -> int:
        """The epoch of the longer one with which this one ends."""
        return self.first_epoch + self.phase.epochs


def parts_of(phases: Iterable[Phase]) -> tuple[Part, ...]:
    """The parts of every phase, in order; a phase without a schedule of unfreezings is its own only part.

    One schedule of the rates runs over all parts of a phase, and the order of the examples goes on. Apart from
    that each part is a phase: frozen computation is done once for it, it stops early by itself, and it ends
    with its best epoch's weights, or those that `keep` says. A part that ends early does not move the next one's
    place in the schedule. A part may validate worse than it found the network, as a phase's epochs may: the phase is
    judged as a whole (see `settled`).
    """
    return tuple(part for phase in phases for part in _parts(phase))


def _parts(phase: Phase) -> Iterable[Part]:
    if phase.unfreeze is None or isinstance(phase.unfreeze, str):
        yield Part(phase, 0, phase.epochs)
        return
    starts = [epoch for epoch, _ in phase.unfreeze]
    for number, (first, unfreeze) in enumerate(phase.unfreeze, start=1):
        end = starts[number] if number < len(starts) else phase.epochs
        name = f"{phase.name} {number} of {len(starts)}"
        yield Part(replace(phase, name=name, epochs=end - first, unfreeze=unfreeze), first, phase.epochs)
