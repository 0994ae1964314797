"""Names of blocks: what the names of their layers have in common, never a number from process history."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tfxfer.backbones.graph import Step
from tfxfer.backbones.layer_kinds import LEARNING_NORMS, has_kernel
from tfxfer.backbones.naming import snake_case


def name_blocks(spans: Sequence[tuple[Step, ...]]) -> tuple[str, ...]:
    """One name for each span, all different: its layers' common stem, else one's name, else its position."""
    broad = [_stem(span, _is_weighted) for span in spans]
    narrow = [_stem(span, _has_kernel) for span in spans]
    counts, narrow_counts = Counter(broad), Counter(narrow)
    names = []
    for index, span in enumerate(spans):
        if broad[index] and counts[broad[index]] == 1:
            names.append(broad[index])
        elif narrow[index] and narrow_counts[narrow[index]] == 1:
            names.append(narrow[index])
        else:
            names.append(_first_stable(span, index))
    taken = Counter(names)
    return tuple(name if taken[name] == 1 else f"{name}@{index}" for index, name in enumerate(names))


def is_auto_named(operation: Any) -> bool:
    """Whether the name is the class's own in snake case with or without a number: `conv2d_17`, `add`."""
    return re.fullmatch(rf"{snake_case(type(operation).__name__)}(_\d+)?", operation.name) is not None


def _stem(span: tuple[Step, ...], counts: Callable[[Step], bool]) -> str:
    """The whole words that the names of the layers that count begin with; a lone layer's name as it is."""
    names = [step.name for step in span if counts(step) and not is_auto_named(step.operation)]
    if not names:
        return ""
    words = [re.split(r"(?<=_)", name) for name in names]
    if len(set(names)) == 1:
        return names[0]
    shared = []
    for column in zip(*words, strict=False):
        if len({word.rstrip("_") for word in column}) > 1:
            break
        shared.append(column[0])
    return "".join(shared).rstrip("_")


def _first_stable(span: tuple[Step, ...], index: int) -> str:
    """The first weighted layer's own name, else the last named operation's (`mixed3`), else the position."""
    weighted = [
        step.name for step in span if has_kernel(step.operation) and not is_auto_named(step.operation)
    ]
    if weighted:
        return weighted[0]
    named = [step.name for step in span if not is_auto_named(step.operation)]
    return named[-1] if named else f"span_{index}"


def _has_kernel(step: Step) -> bool:
    return has_kernel(step.operation)


def _is_weighted(step: Step) -> bool:
    """With a kernel, or a norm that can learn; whether it does now must not change a name."""
    operation = step.operation
    return has_kernel(operation) or (isinstance(operation, LEARNING_NORMS) and bool(operation.weights))
