"""Consumers of a bundle, put beside it: small programs that run its files without TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from tfxfer.errors import UsageError
from tfxfer.store.shipped import shipped

# What a user asks for -> the folders of exports/, each with the format that it runs; "" runs either.
CONSUMERS = {
    "python": (("litert_python", "litert"), ("onnxruntime_python", "onnx")),
    "node": (("node_onnxruntime", "onnx"),),
    "browser": (("browser", ""),),
    "rest": (("saved_model_rest", "saved_model"),),
}
PACKAGES = shutil.ignore_patterns("node_modules", "package-lock.json", "__pycache__")


def consumer_folders(names: Sequence[str], bundle: Path, formats: Collection[str]) -> dict[str, Path]:
    """The folders of exports/ that run these formats, and where each goes: BUNDLE-litert_python and so on.

    Raises:
        UsageError: no such consumer, none for these formats, or something is in the way.
    """
    folders: dict[str, Path] = {}
    for name in names:
        if name not in CONSUMERS:
            raise UsageError(f"--with must name {', '.join(CONSUMERS)}. Received: '{name}'.")
        found = [folder for folder, runs in CONSUMERS[name] if runs in formats or not runs]
        if not found:
            needed = " or ".join(sorted({runs for _, runs in CONSUMERS[name]}))
            raise UsageError(
                f"--with {name} runs {needed} files. Received: {', '.join(formats)}. Add --format {needed}."
            )
        folders |= {folder: bundle.with_name(f"{bundle.name}-{folder}") for folder in found}
    taken = [path for path in folders.values() if path.exists()]
    if taken:
        raise UsageError(f"'{taken[0]}' must not exist yet. Received: a folder that does. Move it away.")
    return folders


def put_consumers(folders: dict[str, Path], bundle: Path) -> list[str]:
    """Copy the consumers to their places, and return how each is started."""
    for folder, place in folders.items():
        shutil.copytree(shipped("exports") / folder, place, ignore=PACKAGES)
    return [_start(folder, place, bundle) for folder, place in folders.items()]


def _start(folder: str, place: Path, bundle: Path) -> str:
    if folder == "browser":
        return (
            f"(cd {place} && npm install) && python3 -m http.server --directory {place.parent}, then open "
            f"http://localhost:8000/{place.name}/?bundle=../{bundle.name}/"
        )
    if folder == "node_onnxruntime":
        return f"(cd {place} && npm install) && node {place}/predict.mjs {bundle} PICTURE"
    program = "serve.py" if folder == "saved_model_rest" else "predict.py"
    picture = "" if folder == "saved_model_rest" else " PICTURE"
    return f"pip install -r {place}/requirements.txt && python {place}/{program} {bundle}{picture}"
