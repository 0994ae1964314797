"""A SavedModel's bytes made to depend on the network alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfxfer.catalogue.formats import GRAPH_FILE

# TensorFlow numbers functions by a counter of the process: __inference_serve_1234.
FUNCTION = re.compile(r"^(__inference_\w+?)_(\d+)$")
# The loop of tf.map_fn too, also inside the names of its arguments.
LOOP = re.compile(r"(map_while_(?:cond|body))_(\d+)")
ARGUMENT_NAME = "_user_specified_name"

Rename = Callable[[str], str]


def canonical_saved_model(folder: Path) -> None:
    """Number functions from zero, put them in order, and drop the fingerprint, which holds a random number.

    TensorFlow reads a SavedModel without fingerprint.pb like those of before version 2.12.
    """
    file = folder / GRAPH_FILE
    model = SavedModel.FromString(file.read_bytes())
    names = _numbered({text for text in _texts(model) if FUNCTION.match(text)}, FUNCTION)
    loops = _numbered({match[0] for text in _texts(model) for match in LOOP.finditer(text)}, LOOP)

    def rename(text: str) -> str:
        return LOOP.sub(lambda match: loops[match[0]], names.get(text, text))

    _rename(model, rename)
    for graph in model.meta_graphs:
        functions = sorted(graph.graph_def.library.function, key=lambda function: function.signature.name)
        for function in functions:
            _forget_addresses(function)
        del graph.graph_def.library.function[:]
        graph.graph_def.library.function.extend(functions)
    file.write_bytes(model.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _forget_addresses(function: Any) -> None:
    """Drop the numbers that stand for variables among a function's arguments: they count tensors."""
    for argument in function.arg_attr.values():
        if ARGUMENT_NAME in argument.attr and argument.attr[ARGUMENT_NAME].s.isdigit():
            del argument.attr[ARGUMENT_NAME]


def _numbered(names: set[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """A new name for each function: its stem, and its place among all of them in the order of their making."""
    parts = [(text, pattern.match(text)) for text in names]
    ordered = sorted((match[1], int(match[2]), text) for text, match in parts if match is not None)
    return {text: f"{stem}_{index}" for index, (stem, _, text) in enumerate(ordered)}


def _texts(message: Any) -> Iterator[str]:
    """Every text in a message, keys of maps as well."""
    for field, value in message.ListFields():
        if _is_map(field):
            yield from (key for key in value if isinstance(key, str))
            values = value.values() if _map_holds_messages(field) else ()
        elif field.type == field.TYPE_STRING:
            yield from value if field.is_repeated else [value]
            continue
        elif field.type == field.TYPE_MESSAGE:
            values = value if field.is_repeated else [value]
        else:
            continue
        for part in values:
            yield from _texts(part)


def _rename(message: Any, rename: Rename) -> None:
    """Replace every text of a message, keys of maps as well."""
    for field, value in message.ListFields():
        if _is_map(field):
            _rename_map(value, rename, holds_messages=_map_holds_messages(field))
        elif field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                _rename(part, rename)
        elif field.type == field.TYPE_STRING and field.is_repeated:
            value[:] = [rename(text) for text in value]
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, rename(value))


def _rename_map(values: Any, rename: Rename, *, holds_messages: bool) -> None:
    for key in list(values):
        if holds_messages:
            _rename(values[key], rename)
        if not isinstance(key, str) or rename(key) == key:
            continue
        if holds_messages:
            values[rename(key)].CopyFrom(values[key])
        else:
            values[rename(key)] = values[key]
        del values[key]


def _is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _map_holds_messages(field: Any) -> bool:
    value = field.message_type.fields_by_name["value"]
    return value.type == value.TYPE_MESSAGE
