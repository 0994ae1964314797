"""Where hub/ handles lead: folders, archives, addresses (a real server) and Kaggle's cache; fetched once and kept."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.backbones.modules import SIDE, save_tiny
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.hub_source import kept_at, module_folder
from tfxfer.errors import BackboneError, ConfigError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "module")


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(folder, tmp_path_factory.mktemp("packed") / "module.tar.gz")


def packed(folder: Path, to: Path, inside: str = ".") -> Path:
    with tarfile.open(to, "w:gz") as tar:
        tar.add(folder, inside)
    return to


class Server:
    """Serves bytes by path, counts requests, and breaks off where it is told to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status, self.missing = 200, 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                data = owner.files.get(self.path.partition("?")[0])
                self.send_response(owner.status if data is not None else 404)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write((data or b"")[: len(data or b"") - owner.missing])

            def log_message(self, format: str, *arguments: object) -> None:
                del format, arguments

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "hub").iterdir()) if (cache / "hub").is_dir() else []


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFXFER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_address_is_fetched_once_and_then_works_without_a_network(
    server: Server, archive: Path, cache: Path
) -> None:
    server.files["/tiny/1"] = archive.read_bytes()
    address = f"{server.address}/tiny/1"
    backbone = load_backbone(f"hub/{address}", pixels="[0,1]")
    assert server.asked == ["/tiny/1?tf-hub-format=compressed"]
    assert backbone.source == address
    assert kept(cache) == [kept_at(address).name]
    server.files.clear()
    again = load_backbone(f"hub/{address}", pixels="[0,1]")
    images = np.random.default_rng(0).random((2, SIDE, SIDE, 3), dtype=np.float32)
    np.testing.assert_allclose(again.model(images), backbone.model(images), rtol=1e-4)
    assert len(server.asked) == 1


def test_an_archive_of_a_folder_around_the_module_is_unpacked(
    folder: Path, tmp_path: Path, cache: Path
) -> None:
    found = module_folder(str(packed(folder, tmp_path / "m.tar.gz", "outer")))
    assert (found / "saved_model.pb").read_bytes() == (folder / "saved_model.pb").read_bytes()
    assert found.parent == cache / "hub"


def test_the_checksum_is_held(archive: Path, cache: Path) -> None:
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(BackboneError, match=rf"must be {'0' * 64}\. Received: {right}"):
        module_folder(str(archive), "0" * 64)
    assert kept(cache) == []
    assert module_folder(str(archive), right).is_dir()
    with pytest.raises(ConfigError, match="64 digits"):
        module_folder(str(archive), "abc")
    with pytest.raises(ConfigError, match="of an archive"):
        module_folder(str(archive.parent), right)


def test_403_is_answered_with_the_repair(server: Server, cache: Path) -> None:
    server.files["/x"], server.status = b"no", 403
    with pytest.raises(
        BackboneError, match=r"HTTP 403 Forbidden\. To go on.*hub/FILE\.tar\.gz, or unpack it into"
    ):
        module_folder(f"{server.address}/x")
    assert kept(cache) == []


def test_a_connection_that_breaks_off_leaves_nothing(server: Server, archive: Path, cache: Path) -> None:
    server.files["/x.tar.gz"], server.missing = archive.read_bytes(), 100
    with pytest.raises(BackboneError, match=r"broke off|IncompleteRead"):
        module_folder(f"{server.address}/x.tar.gz")
    assert kept(cache) == []
    server.missing = 0
    assert module_folder(f"{server.address}/x.tar.gz").is_dir()


def test_without_a_network_the_place_for_the_files_is_named(
    server: Server, folder: Path, cache: Path
) -> None:
    address = f"{server.address}/gone"
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(BackboneError, match="cannot be fetched") as told:
        module_folder(address)
    place = Path(str(told.value).rpartition("unpack it into ")[2].rstrip("."))
    place.parent.mkdir(parents=True)
    place.symlink_to(folder)
    assert module_folder(address) == place


def test_tensorflow_hubs_own_cache_is_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://tfhub.dev/someone/something/1"
    known = tmp_path / hashlib.sha1(address.encode()).hexdigest()
    known.symlink_to(folder)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    assert module_folder(address) == known


def test_kaggles_own_cache_is_used(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    place = tmp_path / "models/google/mobilenet-v2/tensorFlow2/035-224-feature-vector/2"
    place.parent.mkdir(parents=True)
    place.symlink_to(folder)
    page = "https://www.kaggle.com/models/google/mobilenet-v2/frameworks/TensorFlow2/variations/035-224-feature-vector/versions/2"
    for handle in ("google/mobilenet-v2/tensorFlow2/035-224-feature-vector/2", page):
        assert module_folder(handle) == place


def test_nothing_of_the_name_is_answered_with_what_hub_takes() -> None:
    with pytest.raises(ConfigError, match=r"OWNER/MODEL/FRAMEWORK/VARIATION\. Received: 'nowhere'"):
        module_folder("nowhere")


@pytest.mark.parametrize(
    "kind", ["climbs", "absolute", "link", "hard link", "device", "no module", "cut", "no archive"]
)
def test_hostile_archives_are_refused_and_leave_nothing(
    kind: str, archive: Path, tmp_path: Path, cache: Path
) -> None:
    bad = tmp_path / "bad.tar.gz"
    with tarfile.open(bad, "w:gz") as tar:
        for entry, data in HOSTILE.get(kind, ()):
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    if kind == "cut":
        bad.write_bytes(archive.read_bytes()[:-400])
    if kind == "no archive":
        bad.write_bytes(b"<html>log in</html>")
    before = sorted(path for path in tmp_path.rglob("*") if cache not in path.parents)
    with pytest.raises(BackboneError, match=ANSWERS[kind]):
        module_folder(str(bad))
    assert kept(cache) == []
    assert (
        sorted(path for path in tmp_path.rglob("*") if cache not in path.parents and path != cache) == before
    )


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


PB = (entry("saved_model.pb"), b"x")
HOSTILE = {
    "climbs": (PB, (entry("../evil"), b"x")),
    "absolute": (PB, (entry("/tmp/tfxfer-evil"), b"x")),
    "link": (PB, (entry("variables", tarfile.SYMTYPE, "/etc"), b"")),
    "hard link": (PB, (entry("v", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    "device": (PB, (entry("fifo", tarfile.FIFOTYPE), b"")),
    "no module": ((entry("model.tflite"), b"x"),),
}
ANSWERS = {
    **dict.fromkeys(("climbs", "absolute"), "leads out of its folder"),
    **dict.fromkeys(("link", "hard link", "device"), "is a link or a device"),
    "no module": r"must hold saved_model\.pb\. Received: .*model\.tflite",
    "cut": "whole .tar",
    "no archive": "whole .tar",
}


def test_a_bomb_is_refused(archive: Path, tmp_path: Path) -> None:
    from tfxfer.backbones.archives import unpack

    (tmp_path / "to").mkdir()
    with pytest.raises(BackboneError, match="passes the limit"):
        unpack(archive, tmp_path / "to", limit=1000)
