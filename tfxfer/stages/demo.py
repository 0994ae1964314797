"""`tfxfer demo`: the browser page of exports/, a bundle and the runtimes, served to this machine alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tfxfer.bundle.reading import read_contract
from tfxfer.errors import UsageError
from tfxfer.store.shipped import shipped

HOST = "127.0.0.1"
PAGE_FORMATS = ("litert", "onnx")


def bundle_of(path: Path) -> Path:
    """The bundle in a run's directory, or the bundle itself.

    Raises:
        UsageError: there is none, or it has no file that a browser can run.
        BundleError: its contract cannot be read.
    """
    bundle = path / "bundle" if (path / "bundle" / "contract.json").is_file() else path
    if not (bundle / "contract.json").is_file():
        raise UsageError(
            f"a demo needs a finished run or a bundle. Received: '{path}', which has no contract.json. "
            "Run: tfxfer run CONFIG --out DIR"
        )
    formats = [entry.format for entry in read_contract(bundle).artifacts]
    if not set(formats) & set(PAGE_FORMATS):
        raise UsageError(
            f"a browser runs litert and onnx files. Received: a bundle with {', '.join(formats)}. "
            f"Run: tfxfer export --model {path} --out DIR --format litert --format onnx"
        )
    return bundle


@contextmanager
def serving(bundle: Path, packages: Path, *, port: int = 0) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """The address of the page with this bundle, and its server, which the caller runs; port 0 is any free one.

    Raises:
        UsageError: the port is taken.
    """
    folders = {"bundle": bundle, "node_modules": packages, "": shipped("exports") / "browser"}
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, folders=folders))
    except OSError as error:
        raise UsageError(
            f"port {port} must be free. Received: {error}. Leave --port out for any free one."
        ) from error
    with server:
        yield f"http://{HOST}:{server.server_address[1]}/", server


class _Handler(SimpleHTTPRequestHandler):
    """Each of three folders under its own first name; nothing else of this machine, and no listing of it."""

    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, *arguments: Any, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        super().__init__(*arguments)

    def translate_path(self, path: str) -> str:
        asked = unquote(urlsplit(path).path)
        parts = [part for part in asked.split("/") if part not in ("", ".")]
        root = self._folders[""]
        if parts and parts[0] in self._folders:
            root, parts = self._folders[parts[0]], parts[1:]
        if "\0" in asked or "\\" in asked:
            return str(root / "nothing")
        found = root.joinpath(*parts).resolve()
        return str(found if found.is_relative_to(root.resolve()) else root / "nothing")

    def list_directory(self, path: Any) -> None:
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """The terminal stays calm."""
