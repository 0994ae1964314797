"""`--set training.phases[0].epochs=3`: a dotted key, an equals sign, a YAML value."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import cast

from tfxfer.config.document import Document, Origin, Place, Tree, spell
from tfxfer.config.short_forms import expand
from tfxfer.config.yaml_reader import YamlProblem, read_yaml
from tfxfer.errors import ConfigError

_KEY = re.compile(r"[A-Za-z_][\w-]*(\[\d{1,4}\])*(\.[A-Za-z_][\w-]*(\[\d{1,4}\])*)*")
_PART = re.compile(r"([A-Za-z_][\w-]*)|\[(\d+)\]")


def apply_override(document: Document, override: str, base: Path) -> Document:
    """The document with one value replaced; a relative path in it starts from `base`.

    Raises:
        ConfigError: not KEY=VALUE, a value that is no YAML, or an index that is not there.
    """
    place, value = _parse(override)
    tree = copy.deepcopy(document.tree)
    _put(tree, place, value, override)
    origins = {known: origin for known, origin in document.origins.items() if known[: len(place)] != place}
    origin = Origin(f"--set {override}", base)
    made = {place[:depth]: origin for depth in range(1, len(place) + 1) if place[:depth] not in origins}
    origins |= made
    return Document(expand(tree), origins)


def _parse(override: str) -> tuple[Place, object]:
    key, equals, text = override.partition("=")
    if not equals or not _KEY.fullmatch(key.strip()):
        raise ConfigError(
            f"--set must be KEY=VALUE, such as training.phases[0].epochs=3. Received: '{override}'. "
            "Write dots between keys and [i] for the entries of a list."
        )
    place = tuple(int(index) if index else name for name, index in _PART.findall(key))
    try:
        value, _ = read_yaml(text.encode("utf-8", "surrogateescape"))
    except YamlProblem as problem:
        raise ConfigError(f"--set {override}: {problem.message}. Put quotes around the value.") from problem
    return place, value


def _put(tree: Tree, place: Place, value: object, override: str) -> None:
    holder: object = tree
    for depth, part in enumerate(place[:-1]):
        if isinstance(holder, dict) and part not in holder:
            holder[part] = [] if isinstance(place[depth + 1], int) else {}
        holder = cast("dict[object, object]", holder)[part] if _fits(holder, part) else None
    if not _fits(holder, place[-1]):
        raise ConfigError(_misfit(tree, place, override))
    cast("dict[object, object]", holder)[place[-1]] = value


def _fits(holder: object, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(holder, list) and part < len(holder)
    return isinstance(holder, dict)


def _misfit(tree: Tree, place: Place, override: str) -> str:
    holder: object = tree
    for depth, part in enumerate(place):
        if not _fits(holder, part) or (isinstance(holder, dict) and part not in holder):
            around = spell(place[:depth]) or "the configuration"
            if isinstance(part, int):
                length = len(holder) if isinstance(holder, list) else 0
                return (
                    f"--set {override}: there is no entry [{part}]; {around} has {length} entries. "
                    f"Set the whole list: --set '{around}=[...]'."
                )
            return f"--set {override}: {around} is not a mapping, so it has no key '{part}'."
        holder = cast("dict[object, object]", holder)[part]
    return f"--set {override}: the place cannot be set."
