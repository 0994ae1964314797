"""Short forms written out: `data: photos/` is `data: {path: photos/}`. Done before anything is checked."""

from __future__ import annotations

import re

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.config.document import Tree

# section: the key that its short form, a bare text, stands for
SHORT_FORMS = {"data": "path", "backbone": "name", "head": "task", "training": "recipe"}


def expand(tree: Tree) -> Tree:
    """The tree in long forms, without keys whose value is null; what is neither form is left as it came."""
    full = {key: _without_nulls(value) for key, value in tree.items() if value is not None}
    for section, key in SHORT_FORMS.items():
        if isinstance(full.get(section), str):
            full[section] = {key: full[section]}
    exports = full.get("exports")
    if isinstance(exports, list):
        full["exports"] = [_export(entry) for entry in exports]
    if isinstance(backbone := full.get("backbone"), dict):
        full["backbone"] = _backbone(backbone)
    if isinstance(training := full.get("training"), dict):
        full["training"] = _training(training)
    if isinstance(evaluation := full.get("evaluation"), dict) and "slices" in evaluation:
        full["evaluation"] = {**evaluation, "slices": _slices(evaluation["slices"])}
    if "tracking" in full:
        full["tracking"] = _tracking(full["tracking"])
    return full


def _tracking(tracking: object) -> object:
    """`tracking: [csv, mlflow]`, or one name."""
    names = [tracking] if isinstance(tracking, str) else tracking
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return tracking
    return dict.fromkeys(names, True)


def _export(entry: object) -> object:
    if not isinstance(entry, str):
        return entry
    name, colon, precision = entry.partition(":")
    return {"format": name, "precision": precision} if colon else {"format": name}


def _backbone(backbone: Tree) -> Tree:
    size = backbone.get("image_size")
    if isinstance(size, int | float) and not isinstance(size, bool):
        backbone = {**backbone, "image_size": [size, size]}
    return backbone


def _training(training: Tree) -> Tree:
    full = _augment(training)
    if isinstance(phases := full.get("phases"), list):
        full["phases"] = [_augment(phase) if isinstance(phase, dict) else phase for phase in phases]
    return full


def _augment(section: Tree) -> Tree:
    """`augment: light` is `augment: {preset: light}`."""
    preset = section.get("augment")
    return {**section, "augment": {"preset": preset}} if isinstance(preset, str) else dict(section)


def _slices(slices: object) -> object:
    if isinstance(slices, list) and len(set(map(repr, slices))) == len(slices):
        columns = {name: {"column": name} for name in slices if isinstance(name, str)}
        return columns if len(columns) == len(slices) else slices
    if not isinstance(slices, dict):
        return slices
    return {name: _slice(entry) if isinstance(entry, str) else entry for name, entry in slices.items()}


def _slice(text: str) -> Tree:
    """A pattern with one group, or else a column; a column such as "size (mm)" has a long form."""
    try:
        pattern = re.compile(text).groups == 1
    except (re.error, RecursionError, OverflowError):
        pattern = False
    return {"path": text} if pattern else {"column": text}


def complete(tree: Tree) -> Tree:
    """The tree with the defaults that depend on other keys; the last step, after all overrides."""
    full = dict(tree)
    backbone, training = full.get("backbone"), full.get("training")
    if isinstance(backbone, dict) and isinstance(name := backbone.get("name"), str):
        facts = BACKBONES.get(name)  # the other kinds bring their own weights
        full["backbone"] = backbone if facts is None else {"weights": facts.weights[0], **backbone}
    if isinstance(training, dict) and "phases" not in training:
        full["training"] = {"recipe": "auto", **training}
    return full


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(child) for child in value]
    return value
