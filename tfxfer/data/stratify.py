"""The one repair of drawn splits: no split is left without a label that has enough units for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tfxfer.data.problems import shown
from tfxfer.data.records import SplitName
from tfxfer.data.units import Unit
from tfxfer.errors import DataError

Bounds = Mapping[SplitName, tuple[float, float]]
Counts = Counter[tuple[str, SplitName]]
ANY = ""  # no label is empty; stands for every unit where a split may lack a label but may not be empty


def fill_gaps(
    units: Sequence[Unit], numbers: Sequence[float], placed: list[SplitName], bounds: Bounds
) -> None:
    """Move, in `placed`, the fewest units so that every class is in every split.

    Raises:
        DataError: a class has too few units, or its groups leave no way.
    """
    names = [unit.labels for unit in units]
    gaps = _fill(names, sorted(set().union(*names)), numbers, placed, bounds=bounds)
    if gaps:
        raise _impossible([label for label, _ in gaps], bounds)


def fill_gaps_where_possible(
    units: Sequence[Unit], numbers: Sequence[float], placed: list[SplitName], bounds: Bounds
) -> None:
    """Move, in `placed`, the fewest units so that no split is empty and every label is where it can be.

    The rarest labels come first (Sechidis, Tsoumakas and Vlahavas 2011); one with fewer units than splits
    is at least in training.

    Raises:
        DataError: there are fewer units than splits.
    """
    names = [unit.labels | {ANY} for unit in units]
    counts = Counter(label for found in names for label in found)
    rarest_first = sorted(counts, key=lambda label: (counts[label], label))
    gaps = _fill(names, rarest_first, numbers, placed, bounds=bounds, learn_rare=True)
    if any(label == ANY for label, _ in gaps) or not units:
        raise DataError(
            f"There must be at least one picture or group for each of {', '.join(bounds)}. "
            f"Received: {len(units)}. Add examples, or use smaller groups."
        )


def _fill(
    names: Sequence[frozenset[str]],
    order: Iterable[str],
    numbers: Sequence[float],
    placed: list[SplitName],
    *,
    bounds: Bounds,
    learn_rare: bool = False,
) -> list[tuple[str, SplitName]]:
    """Close what gaps can be closed, and return those that stay; with `learn_rare`, training may rob a split."""
    counts: Counts = Counter((label, placed[index]) for index, found in enumerate(names) for label in found)
    members: dict[str, list[int]] = {}
    for index, found in enumerate(names):
        for label in found:
            members.setdefault(label, []).append(index)
    gaps: list[tuple[str, SplitName]] = []
    for label in order:
        for split in bounds:
            if counts[label, split]:
                continue
            robbing = learn_rare and split == "train"
            free = [i for i in members[label] if _is_free(names[i], placed[i], counts, robbing=robbing)]
            if not free:
                gaps.append((label, split))
                continue
            nearest = min(free, key=lambda i: (_distance(numbers[i], bounds[split]), numbers[i]))
            _move(nearest, split, names[nearest], placed, counts=counts)
    return gaps


def _is_free(found: Iterable[str], split: SplitName, counts: Counts, *, robbing: bool) -> bool:
    """Whether a unit may leave `split`: another one of each of its labels stays, or training lacks the label."""
    return all(counts[label, split] > 1 or (robbing and not counts[label, "train"]) for label in found)


def _move(
    index: int, split: SplitName, found: Iterable[str], placed: list[SplitName], *, counts: Counts
) -> None:
    for label in found:
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
        f"Received: fewer, or groups that cannot be told apart, for {shown(dict.fromkeys(labels))}. "
        "Add examples, use smaller groups, or remove the class."
    )
