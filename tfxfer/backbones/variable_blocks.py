"""Blocks of an opaque module: its layers, as the names of its variables tell them, in the order of their use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

STATISTICS = ("moving_mean", "moving_variance", "running_mean", "running_var", "running_variance")
_DIMENSIONS = re.compile(r"conv(olution)?[123]d(transpose)?|v\d", re.IGNORECASE)  # a number, but no count
_PARALLEL = re.compile(r"(branch|tower)", re.IGNORECASE)  # Inception's: numbered, and side by side


@dataclass(frozen=True, slots=True)
class NamedBlock:
    """Variables that freeze and learn together."""

    name: str
    members: tuple[int, ...]  # positions of its variables, in the order they were given in


def block_variables(names: Sequence[str]) -> tuple[NamedBlock, ...]:
    """Variables named `layer/weight`, in the order in which the module uses them, as blocks.

    A block is a row of layers whose names share a numbered beginning (`block_3_expand`, `block_3_project`:
    `block_3`), or without numbers their first word; a norm joins the layer before it.
    """
    layers = [_layer(name) for name in names]
    order = list(dict.fromkeys(layers))
    norms = {
        layer for layer, name in zip(layers, names, strict=True) if name.rpartition("/")[2] in STATISTICS
    }
    keys = _keys(_without_shared_root(order), [layer in norms for layer in order])
    blocks = []
    for name, row in groupby(zip(keys, order, strict=True), key=lambda pair: pair[0]):
        held = {layer for _, layer in row}
        blocks.append((name, tuple(i for i, layer in enumerate(layers) if layer in held)))
    return _named_apart(blocks)


def norm_members(names: Sequence[str]) -> frozenset[int]:
    """Positions of the variables of layers that have moving statistics: scales, offsets and the statistics."""
    norms = {_layer(name) for name in names if name.rpartition("/")[2] in STATISTICS}
    return frozenset(i for i, name in enumerate(names) if _layer(name) in norms)


def _layer(name: str) -> str:
    return name.rpartition("/")[0] or name


def _without_shared_root(layers: Sequence[str]) -> list[str]:
    """`resnet/block1/conv` as `block1/conv` where all begin with `resnet/`."""
    paths = [layer.split("/") for layer in layers]
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*paths, strict=False)))
    shared = min(shared, min(len(path) for path in paths) - 1) if paths else 0
    return ["/".join(path[shared:]) for path in paths]


def _keys(layers: Sequence[str], is_norm: Sequence[bool]) -> list[str]:
    """The block's name for each layer."""
    rows = _rows(layers)
    kernels = {
        prefix: sum(not is_norm[i] for i in range(first, last + 1)) for prefix, (first, last) in rows.items()
    }
    wide = [[prefix for prefix in _numbered(layer) if kernels.get(prefix, 0) > 1] for layer in layers]
    weighted = [i for i, norm in enumerate(is_norm) if not norm]
    named = {i: (wide[i] or _numbered(layers[i]))[-1] for i in weighted if _numbered(layers[i])}
    for _, run in groupby(weighted, key=lambda i: (i in named, _first_word(layers[i]))):
        members = list(run)
        if members[0] not in named:
            named |= dict.fromkeys(members, _shared_words([layers[i] for i in members]))
    keys: list[str] = []
    for i, layer in enumerate(layers):
        joined = wide[i][-1] if wide[i] else keys[-1] if keys else layer
        keys.append(named.get(i, joined))
    return keys


def _rows(layers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(first, last) position of every numbered beginning that no other layer interrupts."""
    found: dict[str, list[int]] = {}
    for position, layer in enumerate(layers):
        for prefix in _numbered(layer):
            found.setdefault(prefix, []).append(position)
    return {
        prefix: (places[0], places[-1])
        for prefix, places in found.items()
        if places[-1] - places[0] + 1 == len(places)
    }


def _numbered(layer: str) -> list[str]:
    """The beginnings of a layer's name that end in a number, shortest first: `a_1`, `a_1/b_2`."""
    words = re.split(r"(?<=[/_])", layer)
    found = []
    for count, word in enumerate(words, start=1):
        text = word.rstrip("/_")
        parallel = count > 1 and _PARALLEL.match(words[count - 2])
        if re.search(r"\d", text) and not _DIMENSIONS.fullmatch(text) and not parallel:
            found.append("".join(words[:count]).rstrip("/_"))
    return found


def _first_word(layer: str) -> str:
    return re.split(r"[/_]", layer)[0]


def _shared_words(names: Sequence[str]) -> str:
    """What the names begin with in whole words; a lone name as it is."""
    if len(names) == 1:
        return names[0]
    words = [re.split(r"(?<=[/_])", f"{name}_") for name in names]
    shared = takewhile(
        lambda column: len({word.rstrip("/_") for word in column}) == 1, zip(*words, strict=False)
    )
    return "".join(column[0] for column in shared).rstrip("/_")


def _named_apart(blocks: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[NamedBlock, ...]:
    names = [name for name, _ in blocks]
    return tuple(
        NamedBlock(name if names.count(name) == 1 else f"{name}@{index}", members)
        for index, (name, members) in enumerate(blocks)
    )
