"""The folder that a hub/ handle means: a folder, an archive, an address or a Kaggle handle, fetched once and kept.

Archives are fetched and unpacked here rather than by tensorflow-hub 0.16.1, which unpacks while it downloads and
knows neither sizes nor checksums; what is in its cache ($TFHUB_CACHE_DIR) is used.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import tempfile
from pathlib import Path

from tfxfer.backbones.archives import unpack
from tfxfer.backbones.downloads import download
from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.catalogue.hub_modules import ARCHIVES, handle_kind, hub_facts, kaggle_handle
from tfxfer.errors import BackboneError, ConfigError
from tfxfer.store.atomic import replaced_folder
from tfxfer.store.fingerprint import path_sha256
from tfxfer.store.place import cache_folder

KAGGLE_ERRORS = (
    "CredentialError",
    "BackendError",
    "NotFoundError",
    "DataCorruptionError",
    "UnauthenticatedError",
)


def module_folder(handle: str, sha256: str | None = None) -> Path:
    """The folder of an unpacked SavedModel; what has to be fetched is kept in tfxfer's cache.

    `sha256` is of the archive.

    Raises:
        ConfigError: nothing of that name is here, or a checksum is given for what has none.
        BackboneError: it cannot be fetched or unpacked, or has another checksum; nothing is kept.
    """
    kind = handle_kind(handle)
    if sha256 is not None and (kind in ("folder", "kaggle") or not re.fullmatch("[0-9a-f]{64}", sha256)):
        raise ConfigError(
            "options.sha256 is the SHA-256 of an archive or of what an address gives, 64 digits of 0-9a-f. "
            f"Received: {sha256!r} with 'hub/{handle}'. Correct it, or leave it out."
        )
    if kind == "kaggle" and not Path(handle).is_dir():
        return _from_kaggle(kaggle_handle(handle))
    if kind == "address":
        return _from_address(handle, sha256)
    path = Path(handle).expanduser()
    if kind == "archive" and path.is_file():
        return _from_archive(path.resolve(), sha256)
    if not path.is_dir():
        raise ConfigError(
            "hub/ takes a folder or a .tar.gz of a SavedModel, an https:// address of one, or a Kaggle handle "
            f"OWNER/MODEL/FRAMEWORK/VARIATION. Received: {handle!r}, which is no folder and no file here."
        )
    return path.resolve()


def kept_at(handle: str) -> Path:
    """Where the cache keeps what an address or an archive of that name gives."""
    return cache_folder() / "hub" / hashlib.sha256(handle.encode()).hexdigest()


def _from_address(address: str, sha256: str | None) -> Path:
    place = kept_at(f"{address} {sha256 or ''}".strip())
    for known in (place, *_tensorflow_hubs(address, sha256)):
        if (known / GRAPH_FILE).is_file():
            return known
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "module.tar.gz"
        download(_archive_address(address), file, repair=_repair(address, place))
        _keep(file, place, sha256, address)
    return place


def _from_archive(archive: Path, sha256: str | None) -> Path:
    found = path_sha256(archive)
    place = kept_at(found)
    if not (place / GRAPH_FILE).is_file() or sha256 not in (None, found):
        _keep(archive, place, sha256, str(archive))
    return place


def _keep(file: Path, place: Path, sha256: str | None, source: str) -> None:
    """Check and unpack an archive, and let it appear at `place` when all of it is good."""
    found = path_sha256(file)
    if sha256 not in (None, found):
        raise BackboneError(
            f"the SHA-256 of {source} must be {sha256}. Received: {found}. Nothing was kept: the file is damaged, or "
            "another one. Ask its source for the right checksum."
        )
    with replaced_folder(place) as folder:
        unpack(file, folder)


def _archive_address(address: str) -> str:
    """TF Hub's addresses give the archive when they are asked to; others name it themselves."""
    if address.partition("?")[0].endswith(ARCHIVES) or "tf-hub-format=" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}tf-hub-format=compressed"


def _tensorflow_hubs(address: str, sha256: str | None) -> list[Path]:
    """Where tensorflow-hub keeps the address, if its cache is named and there is no checksum to be held."""
    cache = os.environ.get("TFHUB_CACHE_DIR")
    if not cache or sha256 is not None:
        return []
    return [Path(cache).expanduser() / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()]


def _repair(address: str, place: Path) -> str:
    facts = hub_facts(address)
    moved = "tfhub.dev has moved to Kaggle, and its addresses often answer 403 (tensorflow/hub#931). "
    kaggle = f"use hub/{facts.kaggle} (extra 'kaggle'), or " if facts is not None else ""
    by_hand = f"fetch the .tar.gz in a browser and give it as hub/FILE.tar.gz, or unpack it into {place}"
    return f"{moved if 'tfhub.dev' in address else ''}{'To go on, ' + kaggle}{by_hand}."


def _from_kaggle(handle: str) -> Path:
    place = _kaggle_place(handle)
    if place is not None and (place / GRAPH_FILE).is_file():
        return place
    hint = (
        f"fetch https://www.kaggle.com/models/{handle} in a browser and give the file as hub/FILE.tar.gz"
        f"{'' if place is None else f', or unpack it into {place}'}"
    )
    if importlib.util.find_spec("kagglehub") is None:
        raise BackboneError(
            f"a Kaggle handle needs the extra 'kaggle'. Received: 'hub/{handle}', which is not in the cache. "
            f'pip install "tfxfer[kaggle]", or {hint}.'
        )
    kagglehub = importlib.import_module("kagglehub")
    known = vars(importlib.import_module("kagglehub.exceptions"))
    errors = [known[name] for name in KAGGLE_ERRORS if name in known]
    try:
        folder = Path(kagglehub.model_download(handle))
    except (OSError, ValueError, *errors) as error:
        raise BackboneError(
            f"'hub/{handle}' cannot be fetched. Received: {error}. To go on, {hint}."
        ) from error
    if not (folder / GRAPH_FILE).is_file():
        raise BackboneError(
            f"a Kaggle handle must be of a SavedModel. Received: 'hub/{handle}', which has no {GRAPH_FILE}. "
            "Take the variation of framework tensorFlow2."
        )
    return folder


def _kaggle_place(handle: str) -> Path | None:
    """Where kagglehub keeps a handle with a version; without one, it must ask which is the newest."""
    parts = handle.split("/")
    if len(parts) != 5:
        return None
    cache = os.environ.get("KAGGLEHUB_CACHE")
    base = Path(cache).expanduser() if cache else Path.home() / ".cache/kagglehub"
    return base.joinpath("models", *parts)
