"""Which values are paths, and what a relative one starts from.

The rule: a path is relative to where it is written. In a configuration file that is the folder of the file;
on the command line (`--set`) and in Python it is the current directory. `~` is the home folder.
"""

from __future__ import annotations

import os

from tfxfer.catalogue.backbones import NAMED_WEIGHTS, is_preset_folder
from tfxfer.catalogue.hub_modules import handle_kind
from tfxfer.config.document import Document, Origin, Tree

PATH_KINDS = ("hub", "file", "run", "kerashub")  # of backbones
EMBEDDED = "embedded/"


def resolve_paths(document: Document) -> Document:
    """The document with every path absolute."""
    tree: Tree = dict(document.tree)
    data, backbone = tree.get("data"), tree.get("backbone")
    if isinstance(data, dict) and is_path(data.get("path")):
        tree["data"] = {**data, "path": _absolute(data["path"], document.origin(("data", "path")))}
    evaluation = tree.get("evaluation")
    if isinstance(evaluation, dict) and is_path(evaluation.get("source_data")):
        place = document.origin(("evaluation", "source_data"))
        tree["evaluation"] = {**evaluation, "source_data": _absolute(evaluation["source_data"], place)}
    if isinstance(backbone, dict):
        tree["backbone"] = _backbone(backbone, document)
    return Document(tree, document.origins)


def is_path(value: object) -> bool:
    """Whether a value of `data.path` names something on disk."""
    return isinstance(value, str) and value != "" and not value.startswith(EMBEDDED) and not is_address(value)


def is_address(value: str) -> bool:
    """Whether it is a URL; one stays as it was written, to be recognised in messages."""
    return "://" in value


def _backbone(backbone: Tree, document: Document) -> Tree:
    full = dict(backbone)
    name, weights = backbone.get("name"), backbone.get("weights")
    if isinstance(name, str):
        kind, slash, rest = name.partition("/")
        if kind in PATH_KINDS and slash and rest and _is_file(kind, rest):
            full["name"] = f"{kind}/{_absolute(rest, document.origin(('backbone', 'name')))}"
    if isinstance(weights, str) and weights and weights not in NAMED_WEIGHTS and not is_address(weights):
        full["weights"] = _absolute(weights, document.origin(("backbone", "weights")))
    return full


def _is_file(kind: str, rest: str) -> bool:
    """Whether it names something on disk: an address and a Kaggle handle do not."""
    if kind == "hub":
        return handle_kind(rest) in ("folder", "archive")
    return is_preset_folder(rest) if kind == "kerashub" else not is_address(rest)


def _absolute(path: str, origin: Origin) -> str:
    return os.path.normpath(os.path.join(origin.base, os.path.expanduser(path)))
