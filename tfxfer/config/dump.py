"""A configuration as YAML that reads back to the same configuration."""

from __future__ import annotations

import io
import json
import re

from ruamel.yaml import YAML

from tfxfer.config.schema import Config

_BREAKS = re.compile(
    "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)  # characters that YAML reads as something else


def dump_config(config: Config) -> str:
    """YAML with every value as resolved; keys that were not given and have no default are left out."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    tree = as_tree(config)
    yaml.allow_unicode = not _BREAKS.search(json.dumps(tree, ensure_ascii=False))
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100_000
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def as_tree(config: Config) -> dict[str, object]:
    """The configuration as plain values in long form, a JSON value."""
    tree: dict[str, object] = config.model_dump(mode="json", exclude_none=True)
    if not config.training.phases:
        tree["training"] = {
            key: value for key, value in _mapping(tree["training"]).items() if key != "phases"
        }
    return tree


def _mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
