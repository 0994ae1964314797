"""Archives of modules that a stranger might send: each (name, bytes)."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator


def hostile_archives() -> Iterator[tuple[str, bytes]]:
    """All of them."""
    for name in ("../x", "../../x", "/x", "a/../../x", "a\\..\\x", "..", "/etc/cron.d/x", "./../x"):
        yield f"a file called {name}", packed([(name, tarfile.REGTYPE, "")])
    for kind, words in ((tarfile.SYMTYPE, "link"), (tarfile.LNKTYPE, "hard link")):
        for to in ("../../secret", "/etc/passwd", "saved_model.pb"):
            yield f"a {words} to {to}", packed([("m/l", kind, to), ("m/l/x", tarfile.REGTYPE, "")])
    for kind, words in ((tarfile.CHRTYPE, "device"), (tarfile.BLKTYPE, "disk"), (tarfile.FIFOTYPE, "pipe")):
        yield f"a {words}", packed([("m/saved_model.pb", kind, "")])
    whole = packed([("m/saved_model.pb", tarfile.REGTYPE, "")])
    yield "empty", b""
    yield "noise", b"\x1f\x8b" + b"noise" * 50
    yield "cut", whole[: len(whole) // 2]
    yield "no module in it", packed([("m/readme.txt", tarfile.REGTYPE, "")])
    yield "nothing in it", packed([])
    yield "a bomb of entries", packed([(f"m/{number}", tarfile.DIRTYPE, "") for number in range(2_500)])
    yield "a bomb of zeros", gzip.compress(_sparse(9 << 30))
    yield "a graph of noise", packed([("saved_model.pb", tarfile.REGTYPE, "")], body=b"noise" * 100)


def packed(entries: list[tuple[str, bytes, str]], body: bytes = b"x") -> bytes:
    """A .tar.gz of (name, type, link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind, to in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, to
            entry.size = len(body) if kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(body) if entry.size else None)
    return buffer.getvalue()


def _sparse(size_bytes: int) -> bytes:
    """The head of an entry that says it is this large, with little behind it."""
    entry = tarfile.TarInfo("saved_model.pb")
    entry.size = size_bytes
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)
