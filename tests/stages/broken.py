"""Broken and hostile inputs, generated: each maker changes a working folder of photos and config."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
from PIL import Image

from tests.stages.running import write_config

SMALL = "backbone: {name: embedded/small, image_size: 32"


def config(folder: Path, text: str) -> None:
    """Lines that are added to the configuration."""
    with (folder / "run.yaml").open("a", encoding="utf-8") as file:
        file.write(text)


def raw(folder: Path, data: bytes) -> None:
    """The configuration's bytes."""
    (folder / "run.yaml").write_bytes(data)


def backbone(folder: Path, words: str) -> None:
    """Another backbone."""
    write_config(folder / "run.yaml", "photos", backbone=f"backbone: {words}\n", rest="")


def weights(folder: Path, name: str, words: str = "") -> None:
    """The embedded backbone with weights from a file."""
    backbone(folder, f"{{name: embedded/small, image_size: 32, weights: {name}{words}}}")


def data(folder: Path, path: str) -> None:
    """Other data."""
    write_config(folder / "run.yaml", path, rest="")


def photo(folder: Path, name: str, content: bytes) -> None:
    """A file among the photos."""
    (folder / "photos" / name).write_bytes(content)


def manifest(folder: Path, text: str, name: str = "list.csv") -> None:
    """Data from a manifest."""
    (folder / name).write_text(text, encoding="utf-8")
    data(folder, name)


def aliases() -> bytes:
    """Ten levels of ten aliases: 10^10 values."""
    rows = ['a0: &a0 ["x"]'] + [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 11)
    ]
    return "\n".join(rows).encode()


def bomb() -> bytes:
    """A PNG of a few bytes that says to be 60,000 pixels wide and high."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def truncated(folder: Path) -> None:
    """A photo whose end is missing."""
    file = folder / "photos" / "red" / "000.png"
    file.write_bytes(file.read_bytes()[:500])


def link_out(folder: Path) -> None:
    """A photo that is a link to a file outside of the data."""
    (folder / "secret.png").write_bytes((folder / "photos" / "red" / "000.png").read_bytes())
    (folder / "photos" / "red" / "link.png").symlink_to(folder / "secret.png")


def two_labels(folder: Path) -> None:
    """The same image in two classes."""
    photo(folder, "red/same.png", (folder / "photos" / "blue" / "000.png").read_bytes())


def only(folder: Path, count: int, label: str = "red") -> None:
    """A class with few photos."""
    for file in sorted((folder / "photos" / label).iterdir())[count:]:
        file.unlink()


def without_folders(folder: Path) -> None:
    """Photos that lie side by side, in no class."""
    (folder / "flat").mkdir()
    for file in (folder / "photos" / "red").iterdir():
        (folder / "flat" / file.name).write_bytes(file.read_bytes())
    data(folder, "flat")


def one_class(folder: Path) -> None:
    """Data in which there is nothing to tell apart."""
    only(folder, 0)
    (folder / "photos" / "red").rmdir()


def label(folder: Path, name: str, count: int = 20) -> None:
    """A further class of new photos."""
    random = np.random.default_rng(len(name))
    (folder / "photos" / name).mkdir()
    for number in range(count):
        pixels = random.integers(0, 255, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name / f"{number:03d}.png")


def truncated_h5(folder: Path) -> None:
    """Weights whose end is missing."""
    small_net().save_weights(folder / "net.weights.h5")
    content = (folder / "net.weights.h5").read_bytes()
    (folder / "net.weights.h5").write_bytes(content[: len(content) // 2])
    weights(folder, "net.weights.h5")


def other_h5(folder: Path) -> None:
    """Weights of another network."""
    small_net().save_weights(folder / "net.weights.h5")
    weights(folder, "net.weights.h5")


def pickled(folder: Path) -> None:
    """A pickle that would write a file, under the name of weights."""

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {folder}/pwned",)

    (folder / "net.h5").write_bytes(pickle.dumps(Hostile()))
    weights(folder, "net.h5")


def empty_h5(folder: Path) -> None:
    """A file in HDF5 format with nothing in it."""
    with h5py.File(folder / "net.h5", "w"):
        pass
    weights(folder, "net.h5")


def lambda_file(folder: Path, name: str) -> None:
    """A model that holds Python code."""
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3), keras.layers.Lambda(lambda x: x * 2)]
    )
    model.save(folder / name)


def lambda_backbone(folder: Path) -> None:
    """A backbone that would run code."""
    lambda_file(folder, "net.keras")
    backbone(folder, '{name: file/net.keras, pixels: "[0,1]"}')


def damaged_backbone(folder: Path) -> None:
    """A .keras file that is no archive."""
    (folder / "net.keras").write_bytes(b"PK\x03\x04 not really")
    backbone(folder, '{name: file/net.keras, pixels: "[0,1]"}')


def hub(folder: Path, *, pixels: bool, content: bool) -> None:
    """A folder that looks like a SavedModel."""
    (folder / "module").mkdir()
    if content:
        (folder / "module" / "saved_model.pb").write_bytes(b"\x08\x01")
    words = ', pixels: "[0,1]", image_size: 32' if pixels else ""
    backbone(folder, f"{{name: hub/module{words}}}")


def small_net() -> keras.Model:
    """A network that has nothing to do with any backbone."""
    image = keras.Input((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    return keras.Model(image, keras.layers.Dense(2)(features))


def bundle(folder: Path, *names: str) -> None:
    """What is left of a bundle: these files alone."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("{}")
