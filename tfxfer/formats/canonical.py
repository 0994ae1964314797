"""A SavedModel's bytes made to depend on the network alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

# TensorFlow numbers functions by a counter of the process: __inference_serve_1234.
FUNCTION = re.compile(r"^(__inference_\w+?)_(\d+)$")


def canonical_saved_model(folder: Path) -> None:
    """Number functions from zero, and drop the fingerprint, which holds a random number.

    TensorFlow reads a SavedModel without fingerprint.pb like those of before version 2.12.
    """
    file = folder / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    names: dict[str, str] = {}
    _rename(model, names)
    file.write_bytes(model.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _rename(message: Any, names: dict[str, str]) -> None:
    """Rename functions in every text of a message, in keys of maps as well."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _rename_map(value, field, names)
        elif field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                _rename(part, names)
        elif field.type == field.TYPE_STRING:
            if field.is_repeated:
                value[:] = [_canonical(text, names) for text in value]
            else:
                setattr(message, field.name, _canonical(value, names))


def _rename_map(values: Any, field: Any, names: dict[str, str]) -> None:
    holds_messages = field.message_type.fields_by_name["value"].type == field.TYPE_MESSAGE
    for key in sorted(values):
        if holds_messages:
            _rename(values[key], names)
        if not isinstance(key, str) or _canonical(key, names) == key:
            continue
        if holds_messages:
            values[_canonical(key, names)].CopyFrom(values[key])
        else:
            values[_canonical(key, names)] = values[key]
        del values[key]


def _canonical(text: str, names: dict[str, str]) -> str:
    match = FUNCTION.match(text)
    if match is None:
        return text
    return names.setdefault(text, f"{match.group(1)}_{len(names)}")
