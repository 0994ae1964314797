"""Data folders and manifests that a stranger might send: each (name, what makes it in an empty folder)."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.pictures import fill, picture, put

Make = Callable[[Path], object]
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")


def hostile_data() -> Iterator[tuple[str, Make]]:
    """All of them; each folder holds good pictures as well, where it can."""
    for kind in FORMATS:
        whole = encoded(kind)
        for share in (0, 10, 50, 90, 99):
            yield (
                f"{kind} cut at {share} %",
                with_file(f"a/x.{kind.lower()}", whole[: len(whole) * share // 100]),
            )
        for place in (0, 5, 20, len(whole) // 2):
            other = bytearray(whole)
            other[place : place + 4] = b"\xff\x00\xff\x00"
            yield f"{kind} with other bytes at {place}", with_file(f"a/x.{kind.lower()}", bytes(other))
    for name, data in _files().items():
        yield name, with_file("a/x.png", data)
    yield from _names()
    yield from _places()
    for name, text in _manifests().items():
        yield f"manifest: {name}", with_manifest(text)


def encoded(kind: str) -> bytes:
    """A picture in one of the formats."""
    pixels = np.random.default_rng(7).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def with_file(name: str, data: bytes) -> Make:
    """Good pictures, and one that is not."""

    def make(folder: Path) -> None:
        fill(folder, "a", "b", count=12)
        (folder / name).write_bytes(data)

    return make


def with_manifest(text: str | bytes) -> Make:
    """Good pictures, and a manifest over them."""

    def make(folder: Path) -> None:
        fill(folder, "a", "b", count=12)
        (folder / "data.csv").write_bytes(
            text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        )

    return make


def _files() -> dict[str, bytes]:
    return {
        "a page": b"<html><script>alert(1)</script></html>",
        "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "a PDF": b"%PDF-1.7\n" + bytes(100),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nsystem (touch pwned)\n",
        "a zip": b"PK\x03\x04" + bytes(100),
        "a pickle": b"cposix\nsystem\n(S'touch pwned'\ntR.",
        "noise": np.random.default_rng(0).bytes(5_000),
        "zeros": bytes(5_000),
        "a PNG of 4 gigapixels": _png(65_535, 65_535, b""),
        "a PNG of no width": _png(0, 10, b""),
        "a PNG bomb": _png(20_000, 20_000, zlib.compress(bytes(20_000_000), 9)),
        "a PNG that lies": _png(100, 100, zlib.compress(bytes(30))),
        "a PNG with a text bomb": _png(
            4, 4, zlib.compress(bytes(52)), [(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000_000), 9))]
        ),
        "a GIF of 4 gigapixels": b"GIF89a"
        + b"\xff" * 4
        + b"\0\0\0,"
        + bytes(4)
        + b"\xff" * 4
        + b"\0\2\2D\1\0;",
        "a BMP of 4 gigapixels": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 65_535, 65_535, 1, 24, 0, 0, 0, 0, 0, 0),
    }


def _png(width: int, height: int, data: bytes, more: list[tuple[bytes, bytes]] | None = None) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    extra = b"".join(chunk(*entry) for entry in more or [])
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _names() -> Iterator[tuple[str, Make]]:
    names = {
        "a line break": "a\nb.png",
        "an escape": "\x1b[2J.png",
        "right to left": "\u202egnp.exe.png",
        "quotes and brackets": '"><script>alert(1)</script>.png'.replace("/", "\u2215"),
        "a formula": "=cmd|calc!A1.png",
        "a shell": "$(touch pwned);`touch pwned`.png",
        "a dash": "-rf.png",
        "255 bytes": "x" * 251 + ".png",
        "composed": "\u00e9.png",
        "decomposed": "e\u0301.png",
        "not utf-8": os.fsdecode(b"\xff\xfe.png"),
        "blanks": "  .png",
    }
    for name, file in names.items():
        yield f"a file called {name}", _called(file)
        if name not in ("255 bytes",):
            yield f"a class called {name}", _class_called(file.removesuffix(".png") or " ")


def _called(file: str) -> Make:
    return lambda folder: put(fill(folder, "a", "b", count=12), f"a/{file}", 99)


def _class_called(label: str) -> Make:
    return lambda folder: fill(folder, "a", label, count=12)


def _places() -> Iterator[tuple[str, Make]]:
    def link(to: str, name: str = "a/x.png") -> Make:
        def make(folder: Path) -> None:
            fill(folder, "a", "b", count=12)
            (folder / name).symlink_to(to)

        return make

    yield "a link outside", link("/etc/passwd")
    yield "a link to a device", link("/dev/zero")
    yield "a link to itself", link("x.png")
    yield "a link to nowhere", link("nowhere.png")
    yield "a class that is a link up", link("..", "c")
    yield "a class that is a link to the root", link("/", "c")
    yield "a pipe", lambda folder: os.mkfifo(fill(folder, "a", "b", count=12) / "a" / "x.png")
    yield (
        "a folder called as a picture",
        lambda folder: (fill(folder, "a", "b", count=12) / "a" / "x.png").mkdir(),
    )
    yield "nothing at all", lambda folder: None
    yield "classes without pictures", lambda folder: [(folder / name).mkdir() for name in "abc"]
    yield "one class", lambda folder: fill(folder, "a", count=12)
    yield "one picture in each", lambda folder: fill(folder, "a", "b", count=1)
    yield "the same picture everywhere", _same
    yield (
        "a folder in a folder in a folder",
        lambda folder: put(fill(folder, "a", "b", count=12), "a/" + "d/" * 200 + "x.png"),
    )
    yield "splits that leak", _leak


def _same(folder: Path) -> None:
    for number in range(24):
        (folder / "ab"[number % 2]).mkdir(exist_ok=True)
        (folder / "ab"[number % 2] / f"{number}.png").write_bytes(picture(1))


def _leak(folder: Path) -> None:
    for split in ("train", "test"):
        fill(folder / split, "a", "b", count=12)


def _manifests() -> dict[str, str | bytes]:
    good = "".join(f"{label}/{number:03d}.png,{label}\n" for label in "ab" for number in range(12))
    return {
        "empty": "",
        "no columns": "\n\n",
        "other columns": "file,class\n" + good,
        "a path that climbs": "path,label\n../../../../etc/passwd,a\n" + good,
        "a path from the root": "path,label\n/etc/passwd,a\n" + good,
        "a path of another system": "path,label\nC:\\windows\\x.png,a\n" + good,
        "an address": "path,label\nhttps://example.org/x.png,a\n" + good,
        "a path with a null": b"path,label\na\0b.png,a\n" + good.encode(),
        "the same path twice": "path,label\n" + good + "a/000.png,a\n",
        "the same path with two labels": "path,label\n" + good + "a/000.png,b\n",
        "no label": "path,label\na/000.png,\n" + good,
        "not utf-8": b"path,label\n\xff\xfe\xfa.png,a\n" + good.encode(),
        "a row too long": "path,label\na/000.png,a,b,c,d\n" + good,
        "a row too short": "path,label\na/000.png\n" + good,
        "an open quote": 'path,label\n"a/000.png,a\n' + good,
        "a field of megabytes": "path,label\n" + "x" * 5_000_000 + ",a\n" + good,
        "a weight of nan": "path,label,weight\na/000.png,a,nan\n",
        "a weight below 0": "path,label,weight\na/000.png,a,-1\n",
        "a weight without bound": "path,label,weight\na/000.png,a,1e999\n",
        "a split of another name": "path,label,split\na/000.png,a,trainn\n",
        "a label of escapes": "path,label\na/000.png,\x1b[2J\n" + good,
        "a label of a page": "path,label\na/000.png,<script>alert(1)</script>\n" + good,
        "10,000 labels": "path,label\n" + "".join(f"a/000.png,l{n}\n" for n in range(10_000)),
        "labels that differ by normal form": "path,label\na/000.png,\u00e9\na/001.png,e\u0301\n" + good,
        "column names twice": "path,label,label\na/000.png,a,b\n",
    }
