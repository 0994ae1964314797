"""What a stranger might do to a bundle: each (name, what changes it)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfxfer.store.fingerprint import file_sha256

Change = Callable[[Path], object]
VALUES: tuple[Any, ...] = (None, [], {}, -1, "x", "../../x", 1e308, [[]])


def hostile_bundles(bundle: Path) -> Iterator[tuple[str, Change]]:
    """Changes of a good bundle; where a file's own hash would give it away, also with the hash put right."""
    for file in (
        "contract.json",
        "manifest.json",
        "labels.txt",
        "onnx/float32.onnx",
        "litert/float32.tflite",
    ):
        yield f"{file} gone", lambda folder, file=file: (folder / file).unlink()
        yield f"{file} empty", rewritten(file, b"")
        yield f"{file} of noise", rewritten(file, b"noise" * 100)
        yield f"{file} of noise, hashed", rehashed(rewritten(file, b"noise" * 100), file)
        yield f"{file} is a folder", in_the_way(file)
    contract = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    for key in contract:
        for number, value in enumerate(VALUES[:4]):
            yield (
                f"contract's {key} {number}",
                rehashed(key_set("contract.json", key, value), "contract.json"),
            )
    for key in json.loads((bundle / "manifest.json").read_text(encoding="utf-8")):
        for number, value in enumerate(VALUES[:3]):
            yield f"manifest's {key} {number}", key_set("manifest.json", key, value)
    yield "a file more", lambda folder: (folder / "more.txt").write_text("x")
    yield "a link for a file", linked("labels.txt")
    yield "no golden", lambda folder: shutil.rmtree(folder / "golden")
    yield "labels swapped", rehashed(swapped, "labels.txt")
    yield "no bundle at all", emptied


def emptied(folder: Path) -> None:
    """Nothing is left."""
    shutil.rmtree(folder)
    folder.mkdir()


def rewritten(file: str, data: bytes) -> Change:
    """Another content."""
    return lambda folder: (folder / file).write_bytes(data)


def in_the_way(file: str) -> Change:
    """A folder where the file was."""

    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def key_set(file: str, key: str, value: Any) -> Change:
    """Another value of a key."""

    def change(folder: Path) -> None:
        tree = json.loads((folder / file).read_text(encoding="utf-8"))
        (folder / file).write_text(json.dumps({**tree, key: value}), encoding="utf-8")

    return change


def swapped(folder: Path) -> None:
    """The labels the other way round."""
    lines = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    (folder / "labels.txt").write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")


def linked(file: str) -> Change:
    """A link to a file outside, of the same bytes."""

    def change(folder: Path) -> None:
        outside = folder.parent / "outside.txt"
        shutil.copyfile(folder / file, outside)
        (folder / file).unlink()
        (folder / file).symlink_to(outside)

    return change


def rehashed(change: Change, file: str) -> Change:
    """The change, with the file's hash in the manifest put right."""

    def both(folder: Path) -> None:
        before = file_sha256(folder / file)
        change(folder)
        manifest = folder / "manifest.json"
        if file != "manifest.json":
            text = manifest.read_text(encoding="utf-8")
            manifest.write_text(text.replace(before, file_sha256(folder / file)), encoding="utf-8")

    return both
