"""The one repair of drawn splits: no split is left without a class that has enough units for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tfxfer.data.problems import shown
from tfxfer.data.records import SplitName
from tfxfer.data.units import Unit
from tfxfer.errors import DataError

Bounds = Mapping[SplitName, tuple[float, float]]


def fill_gaps(
    units: Sequence[Unit], numbers: Sequence[float], placed: list[SplitName], bounds: Bounds
) -> None:
    """Move, in `placed`, the fewest units so that every class is in every split.

    Raises:
        DataError: a class has too few units, or its groups leave no way.
    """
    counts = Counter(
        (label, split) for unit, split in zip(units, placed, strict=True) for label in unit.labels
    )
    members: dict[str, list[int]] = {}
    for index, unit in enumerate(units):
        for label in unit.labels:
            members.setdefault(label, []).append(index)
    hopeless = []
    for label in sorted(members):
        for split in bounds:
            if counts[label, split]:
                continue
            free = [i for i in members[label] if all(counts[name, placed[i]] > 1 for name in units[i].labels)]
            if not free:
                hopeless.append(label)
                break
            nearest = min(free, key=lambda i: (_distance(numbers[i], bounds[split]), numbers[i]))
            _move(nearest, split, units[nearest], placed, counts)
    if hopeless:
        raise _impossible(hopeless, bounds)


def _move(
    index: int, split: SplitName, unit: Unit, placed: list[SplitName], counts: Counter[tuple[str, SplitName]]
) -> None:
    for label in unit.labels:
        counts[label, placed[index]] -= 1
        counts[label, split] += 1
    placed[index] = split


def _distance(number: float, bounds: tuple[float, float]) -> float:
    start, end = bounds
    return max(start - number, number - end, 0.0)


def _impossible(labels: Sequence[str], bounds: Bounds) -> DataError:
    return DataError(
        f"Every class must be in {', '.join(bounds)}, so it needs {len(bounds)} different pictures or "
        "groups. "
        f"Received: fewer, or groups that cannot be told apart, for {shown(labels)}. "
        "Add examples, use smaller groups, or remove the class."
    )
