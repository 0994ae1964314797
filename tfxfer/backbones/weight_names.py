"""One stable name for each weight of a flat model: its layer's name, then its place below that layer, then its own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from tfxfer.backbones.block_names import is_auto_named
from tfxfer.backbones.naming import snake_case

UNNAMED = re.compile(r"(^|/)variable_\d+$")
Segments = tuple[str, ...]


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Name -> variable for every weight, statistics included, in the order of the model's layers.

    What a layer makes inside itself without a name is called by its class and its number below that layer, in the
    order in which it was made: what Keras calls it counts all such layers of the process.
    """
    return _named(model, placed=True)


def weights_as_stored(model: keras.Model, stored: Iterable[str]) -> dict[str, Any]:
    """The weights under the names that a file has for them; under today's where they are not the file's.

    Older files hold Keras's own names for inner layers, with numbers of the process that wrote them. Such numbers
    rise in the order in which the layers were made, which is the same in every process.
    """
    names = list(stored)
    today = named_weights(model)
    if set(names) == set(today):
        return today
    as_keras_says = _named(model, placed=False)
    if set(names) == set(as_keras_says):
        return as_keras_says
    inner = [child for layer in model.layers for child in layer._flatten_layers(include_self=False)]
    by_place = {place: name for name, place in _placed(names, _kinds(inner)).items()}
    return {by_place.get(name, name): weight for name, weight in today.items()}


def _named(model: keras.Model, *, placed: bool) -> dict[str, Any]:
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for layer in model.layers:
        places = _places(layer) if placed else {}
        for weight in layer.weights:
            if id(weight) in seen:
                continue
            seen.add(id(weight))
            inner = _within(layer.name, weight, places.get(id(weight), {}))
            named[_free(f"{layer.name}/{inner}", named)] = weight
    return named


def _within(layer: str, weight: Any, places: Mapping[str, str]) -> str:
    """The weight's path below its layer; what lies above depends on how the model was built.

    A weight that its layer gave no name is called "variable" with a number that counts all such weights of the
    process; the number is left out, since another process would count otherwise.
    """
    _, found, inner = f"/{weight.path}".rpartition(f"/{layer}/")
    *above, own = (inner if found else weight.name).split("/")
    return UNNAMED.sub(r"\1variable", "/".join([*(places.get(part, part) for part in above), own]))


def _places(layer: Any) -> dict[int, dict[str, str]]:
    """id(weight) -> for the unnamed layers around it, inside `layer`, Keras's name and the one by place."""
    found: dict[int, dict[str, str]] = {}
    stack: list[tuple[Any, dict[str, str]]] = [(layer, {})]
    while stack:
        parent, around = stack.pop()
        children = _children(parent)
        unnamed = [child for child in children if is_auto_named(child)]
        ranks = _ranks([child.name for child in unnamed], _kinds(unnamed))
        for child in children:
            own = {child.name: ranks[child.name]} if child.name in ranks else {}
            within = {**around, **own}
            for weight in child.weights:
                found[id(weight)] = {**found.get(id(weight), {}), **within}
            stack.append((child, within))
    return found


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _ranks(names: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """`conv2d_7` and `conv2d_4` -> `conv2d_1` and `conv2d`, as a process that made nothing else would call them."""
    numbers: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in set(names):
        kind = _kind(name, kinds)
        if kind is not None:
            numbers[kind].append((int(name[len(kind) + 1 :] or 0), name))
    return {
        name: f"{kind}_{rank}" if rank else kind
        for kind, found in numbers.items()
        for rank, (_, name) in enumerate(sorted(found))
    }


def _kind(name: str, kinds: Iterable[str]) -> str | None:
    """The class in snake case that an unnamed layer's name says, of these."""
    fitting = [kind for kind in kinds if re.fullmatch(rf"{kind}(_\d+)?", name)]
    return max(fitting, key=len, default=None)


def _kinds(layers: Iterable[Any]) -> set[str]:
    return {snake_case(type(layer).__name__) for layer in layers if is_auto_named(layer)}


def _placed(names: Iterable[str], kinds: set[str]) -> dict[str, str]:
    """Each name of a file with the numbers of unnamed inner layers counted anew below their layer."""
    split = {name: tuple(name.split("/")) for name in names}
    siblings: dict[Segments, set[str]] = defaultdict(set)
    for parts in split.values():
        for depth in range(1, len(parts) - 1):
            siblings[parts[:depth]].add(parts[depth])
    ranks = {parent: _ranks(found, kinds) for parent, found in siblings.items()}
    return {
        name: "/".join(
            ranks.get(parts[:depth], {}).get(part, part) if depth < len(parts) - 1 else part
            for depth, part in enumerate(parts)
        )
        for name, parts in split.items()
    }


def _free(name: str, taken: dict[str, Any]) -> str:
    if name not in taken:
        return name
    number = 1
    while f"{name}:{number}" in taken:
        number += 1
    return f"{name}:{number}"
