"""A file from an HTTP address: whole, of the size that was announced, within a limit, or not at all."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tfxfer.errors import BackboneError

MAX_BYTES = 8 << 30
TIMEOUT_S = 60.0
PIECE = 1 << 20  # bytes
NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, OSError)


def download(address: str, to: Path, *, repair: str, limit: int = MAX_BYTES) -> None:
    """Fetch `address` into the file `to`, with a progress bar on a terminal's stderr.

    `repair` says what to do where it cannot be fetched.

    Raises:
        BackboneError: no http(s) address, no answer, a refusal, a part only, or more than `limit` bytes.
    """
    if not address.startswith(("http://", "https://")):
        raise BackboneError(
            f"an address must begin with https:// or http://. Received: {address!r}. {repair}"
        )
    request = urllib.request.Request(address, headers={"User-Agent": "tfxfer"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response, to.open("wb") as file:
            announced = response.headers.get("Content-Length")
            total = int(announced) if announced and announced.isdigit() else None
            received = _copy(response, file, total, address, limit)
    except urllib.error.HTTPError as error:
        raise BackboneError(
            f"{address} must be there to be fetched. Received: HTTP {error.code} {error.reason}. {repair}"
        ) from error
    except NETWORK_ERRORS as error:
        raise BackboneError(f"{address} cannot be fetched. Received: {error}. {repair}") from error
    if total is not None and received != total:
        raise BackboneError(
            f"{address} must arrive whole: {total:,} bytes. Received: {received:,}; the connection broke off. "
            "Nothing was kept; run the command again."
        )


def _copy(source: BinaryIO, to: BinaryIO, total: int | None, address: str, limit: int) -> int:
    received = 0
    with _bar(address, total) as advance:
        while piece := source.read(PIECE):
            received += len(piece)
            if received > limit:
                raise BackboneError(
                    f"a file to fetch may have {limit:,} bytes. Received: more, from {address}. Nothing was kept."
                )
            to.write(piece)
            advance(len(piece))
    return received


class _Advance:
    def __init__(self, progress: Progress, total: int | None, address: str) -> None:
        self._progress, self._task = (
            progress,
            progress.add_task(address.rpartition("/")[2] or address, total=total),
        )

    def __call__(self, count: int) -> None:
        self._progress.advance(self._task, count)


@contextmanager
def _bar(address: str, total: int | None) -> Iterator[_Advance]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield _Advance(progress, total, address)
