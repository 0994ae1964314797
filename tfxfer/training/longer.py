"""A phase of several parts is judged as a whole: a part may lose, as an epoch may, and the phase may not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tfxfer.store.journal import Journal
from tfxfer.training.carry import Carry
from tfxfer.training.history import History
from tfxfer.training.parts import Part


def settled(
    carry: Carry, parts: Sequence[Part], histories: Sequence[History], journal: Journal
) -> tuple[History, ...]:
    """The histories when the last of these parts has ended; where it ends a longer phase, the model has its best state.

    That is the best end of a part, or with `keep` "last" the latest that monitors no worse than the state before the
    phase, and the state before the phase where there is none. Parts after it are told as undone.
    """
    best, part, history = carry.longer, parts[-1], histories[-1]
    if best is None:
        return tuple(histories)
    best.offer(part.end, history.kept)
    if part.end < part.epochs:
        return tuple(histories)
    carry.longer = None  # so that no checkpoint keeps its weights any longer
    if best.epoch == part.end:
        return tuple(histories)
    best.restore()
    carry.keep(())  # the optimizers' state is that of other weights
    first = max(number for number, other in enumerate(parts) if other.first_epoch == 0)
    since = next(number for number in range(first, len(parts)) if parts[number].end > best.epoch)
    state = f"the state after epoch {best.epoch}" if best.epoch else "the state before the phase"
    note = (
        f"the whole phase ended at {history.monitor} {history.kept[history.monitor]:g}, and {state} validates at "
        f"{best.logs[history.monitor]:g}: the weights are those again"
    )
    journal.write("decision", text=f"'{history.phase}': {note}")
    undone = (
        replace(other, best_epoch=0, before=best.logs, moved=(), why=(*other.why, note))
        for other in histories[since:]
    )
    return (*histories[:since], *undone)


@contextmanager
def restored_on_error(carry: Carry) -> Iterator[None]:
    """Around a part: where it breaks off, the model goes back to the best state that the longer phase had."""
    try:
        yield
    except BaseException:
        if carry.longer is not None:
            carry.longer.restore()
        raise
