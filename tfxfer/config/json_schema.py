"""The JSON schema of configurations, short and long forms alike, for editors."""

from __future__ import annotations

from typing import Any

from tfxfer.catalogue.augmentation import PRESET_NAMES
from tfxfer.config.schema import Config
from tfxfer.config.short_forms import SHORT_FORMS
from tfxfer.config.tracking_schema import TRACKERS

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """A JSON schema that takes what `read_config` takes, as far as a schema can say it."""
    schema = Config.model_json_schema()
    definitions = schema["$defs"]
    for section in SHORT_FORMS:
        _add_short_form(schema["properties"][section], {"type": "string"})
    _add_short_form(
        schema["properties"]["exports"]["items"], {"type": "string", "pattern": _export_pattern(definitions)}
    )
    names = {"enum": list(TRACKERS)}
    _add_short_form(
        schema["properties"]["tracking"], names, {"type": "array", "items": names, "uniqueItems": True}
    )
    size = definitions["BackboneConfig"]["properties"]["image_size"]
    size["anyOf"] = [{"type": "integer", "minimum": 1}, *size["anyOf"]]
    for section in ("PhaseConfig", "TrainingConfig"):
        definitions[section]["properties"]["augment"]["anyOf"].insert(0, {"enum": list(PRESET_NAMES)})
    _add_slice_forms(definitions["EvaluationConfig"]["properties"])
    for section in (schema, *definitions.values()):
        for name, value in section.get("properties", {}).items():
            if name not in section.get("required", ()):
                section["properties"][name] = _nullable(value)
    return {"$schema": SCHEMA_DIALECT, **schema, "title": "tfxfer configuration"}


def _add_short_form(target: dict[str, Any], *short: dict[str, Any]) -> None:
    reference = target.pop("$ref")
    target["anyOf"] = [*short, {"$ref": reference}]


def _add_slice_forms(properties: dict[str, Any]) -> None:
    """A list of columns instead of the mapping, and a text instead of each of its entries."""
    full = properties["slices"]
    mapping = {key: full.pop(key) for key in ("type", "patternProperties", "propertyNames")}
    entries = mapping["patternProperties"]
    mapping["patternProperties"] = {
        pattern: {"anyOf": [{"type": "string"}, entry]} for pattern, entry in entries.items()
    }
    columns = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    properties["slices"] = {**full, "anyOf": [columns, mapping | {"additionalProperties": False}]}


def _export_pattern(definitions: dict[str, Any]) -> str:
    export = definitions["ExportConfig"]["properties"]
    formats = "|".join(_choices(export["format"]))
    return f"^({formats})(:({'|'.join(_choices(export['precision']))}))?$"


def _choices(field: dict[str, Any]) -> list[str]:
    return field["enum"] if "enum" in field else [field["const"]]


def _nullable(value: dict[str, Any]) -> dict[str, Any]:
    # A key without a value (`training:`) means "not given" everywhere.
    outer: dict[str, Any] = {key: value[key] for key in ("description", "default") if key in value}
    inner = {key: part for key, part in value.items() if key not in (*outer, "title")}
    choices = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    if {"type": "null"} not in choices:
        choices = [*choices, {"type": "null"}]
    return {**outer, "anyOf": choices}
