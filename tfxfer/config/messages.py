"""What pydantic found, in our words: the key, what was expected, what came, and the nearest known name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tfxfer.catalogue.refused_formats import refusal
from tfxfer.config.document import Place, Problem, spell
from tfxfer.config.spelling import did_you_mean, nearest

# pydantic's error types, and what was expected there
_EXPECTED = {
    "string_type": "text",
    "string_unicode": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of keys",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "plain text, without control characters, and in a name without / and \\",
    "too_long": "a list of at most {max_length} entries",
}


MOST = 200  # nobody reads more, and looking for each one's nearest name takes time


def problems(errors: Sequence[ErrorDetails], root: type[BaseModel]) -> Iterator[Problem]:
    """One problem for each of the first MOST errors; a missing key that an unknown key was meant to be counts once."""
    if len(errors) > MOST:
        yield Problem((), f"{len(errors) - MOST:,} more problems are not listed.")
        errors = errors[:MOST]
    meant = {
        (*error["loc"][:-1], nearest(str(error["loc"][-1]), _keys(root, error["loc"][:-1])))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    for error in errors:
        if not (error["type"] == "missing" and error["loc"] in meant):
            yield Problem(error["loc"], _message(error, root))


def pattern(place: Place) -> str:
    """The place without indices: `training.phases.epochs`."""
    return ".".join(part for part in place if isinstance(part, str))


def model_at(root: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The section that stands at `place`, or None where a plain value, or a mapping by names, stands there."""
    model: type[BaseModel] | None = root
    named: type[BaseModel] | None = None  # what the entries of a mapping by names are
    for part in place:
        if not isinstance(part, str):
            continue
        if model is None:
            model, named = named, None
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else _model_in(field.annotation)
        by_names = field is not None and get_origin(field.annotation) is dict
        model, named = (None, inner) if by_names else (inner, None)
    return model


def received(value: object) -> str:
    """A short picture of a value, as it might stand in the file."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if len(value) > 4 else f"[{', '.join(received(entry) for entry in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _message(error: ErrorDetails, root: type[BaseModel]) -> str:
    place, kind, value = error["loc"], error["type"], error["input"]
    if place and place[-1] == "[key]":
        return f"{spell(place[:-2])} must have plain names without / and \\. Received: {received(value)}."
    if kind == "extra_forbidden":
        return _unknown_key(place, root)
    if kind == "missing":
        return _missing(place, root)
    if kind == "literal_error":
        return _not_a_choice(place, value, error["ctx"]["expected"])
    if kind == "value_error":
        return _own_words(place, value, str(error["ctx"]["error"]))
    template = _EXPECTED.get(kind, error["msg"])
    expected = template.format(**error.get("ctx", {}))
    return f"{spell(place) or 'the configuration'} must be {expected}. Received: {received(value)}."


def _unknown_key(place: Place, root: type[BaseModel]) -> str:
    key, around = str(place[-1]), spell(place[:-1])
    words = f"unknown key '{key}'" + (f" in {around}" if around else "")
    keys = _keys(root, place[:-1])
    hint = _at_home(key, root) or did_you_mean(key, keys) or _near_elsewhere(key, root)
    return words + (hint or f". Known keys: {', '.join(keys)}.")


def _at_home(key: str, root: type[BaseModel]) -> str:
    homes = [home or "the top level" for home, model in _sections(root) if key in model.model_fields]
    return f"; it belongs in {' or '.join(homes)}." if homes else ""


def _near_elsewhere(key: str, root: type[BaseModel]) -> str:
    found = [(nearest(key, model.model_fields), home or "the top level") for home, model in _sections(root)]
    near = [f"'{match}', which belongs in {home}" for match, home in found if match is not None]
    return f"; did you mean {near[0]}?" if near else ""


def _missing(place: Place, root: type[BaseModel]) -> str:
    if isinstance(place[-1], int):
        return f"{spell(place[:-1])} has too few entries: entry {place[-1] + 1} is missing."
    holder = model_at(root, place[:-1])
    field = None if holder is None else holder.model_fields.get(place[-1])
    words = "" if field is None or field.description is None else f" ({field.description})"
    return f"the key '{spell(place)}' is required{words}. Add it."


def _not_a_choice(place: Place, value: object, expected: str) -> str:
    refused = refusal(value) if pattern(place) == "exports.format" else None
    if refused is not None:
        return f"{spell(place)}: {refused}"
    choices = [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{spell(place)} must be {expected}. Received: {received(value)}{hint or '.'}"


def _own_words(place: Place, value: object, words: str) -> str:
    if "Received" in words:
        return f"{spell(place)}: {words}"
    return f"{spell(place)} {words}. Received: {received(value)}."


def _keys(root: type[BaseModel], place: Place) -> tuple[str, ...]:
    model = model_at(root, place)
    return () if model is None else tuple(model.model_fields)


def _sections(root: type[BaseModel], place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield place, root
    for name, field in root.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None and get_origin(field.annotation) is not dict:
            yield from _sections(inner, f"{place}.{name}" if place else name)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)
