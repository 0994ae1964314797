"""`tfxfer demo` serves its page, one bundle and two packages to this machine, and nothing else of it."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser import served
from tests.conftest import ROOT
from tests.verification.making import make_real_bundle, make_three_colours, read_photos
from tfxfer.errors import BackboneError, BundleError, UsageError
from tfxfer.stages.demo import bundle_of, serving
from tfxfer.stages.web_packages import WEB_PACKAGES, WebPackage, web_packages


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = make_three_colours(tmp_path_factory.mktemp("photos") / "photos")
    folder = tmp_path_factory.mktemp("run") / "bundle"
    return make_real_bundle(folder, read_photos(photos, "crop"), rule="crop")


@pytest.fixture
def address(bundle: Path, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "packages" / "@litertjs").mkdir(parents=True)
    (tmp_path / "packages" / "@litertjs" / "engine.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "packages" / "link").symlink_to(tmp_path / "secret.txt")
    with serving(bundle, tmp_path / "packages") as (found, server):
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        server.shutdown()


def get(address: str, path: str) -> tuple[int, str, bytes]:
    """Status, type and body of a path that is sent as it is."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Content-Type", ""), answer.read()


def test_page_bundle_and_packages_are_served_with_their_types(address: str, bundle: Path) -> None:
    assert get(address, "/")[2] == (ROOT / "exports/browser/index.html").read_bytes()
    assert get(address, "/page.mjs")[:2] == (200, "text/javascript")
    assert get(address, "/node_modules/@litertjs/engine.wasm") == (200, "application/wasm", b"\0asm")
    contract = json.loads(get(address, "/bundle/contract.json")[2])
    assert contract == json.loads((bundle / "contract.json").read_text())


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/node_modules/../secret.txt", "/node_modules/%2e%2e/secret.txt", "//etc/passwd"),
        *(
            "/node_modules/link",
            "/bundle/../../etc/passwd",
            "/node_modules/..%2fsecret.txt",
            "/bundle/..%5c..%5cx",
        ),
        *("/node_modules/", "/bundle/", "/bundle", "/%00"),
    ],
)
def test_nothing_else_is(address: str, path: str) -> None:
    status, _, body = get(address, path)
    assert status in (301, 404)
    assert b"secret" not in body
    assert b"root:" not in body


def test_only_this_machine_is_served(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"


def test_a_port_that_is_taken_is_said_so(address: str, bundle: Path, tmp_path: Path) -> None:
    port = urlsplit(address).port or 0
    with pytest.raises(UsageError, match=f"port {port} must be free"), serving(bundle, tmp_path, port=port):
        pass


def test_a_run_or_its_bundle_will_do(bundle: Path, tmp_path: Path) -> None:
    assert bundle_of(bundle.parent) == bundle_of(bundle) == bundle
    with pytest.raises(UsageError, match="which has no contract"):
        bundle_of(tmp_path)


def archive(path: Path, *names: str) -> WebPackage:
    """A package of npm's form at the place that a registry gives it, as it would be pinned."""
    import base64

    package = WebPackage("@own/thing", "1.0.0", "")
    file = path / package.archive
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"hello"))
    digest = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    return WebPackage("@own/thing", "1.0.0", digest)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TFXFER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "registry").mkdir()
    with served(tmp_path / "registry") as address:
        monkeypatch.setenv("npm_config_registry", address)
        yield tmp_path / "registry"


def test_packages_are_fetched_once_and_checked(registry: Path, tmp_path: Path) -> None:
    package = archive(registry, "package/index.js", "package/dist/engine.wasm")
    found = web_packages((package,))
    assert (found / "@own/thing/dist/engine.wasm").read_bytes() == b"hello"
    (registry / package.archive).unlink()
    assert web_packages((package,)) == found


@pytest.mark.parametrize("fault", ["another archive", "no archive", "a way out"])
def test_what_is_not_what_was_pinned_is_refused_and_nothing_is_kept(
    registry: Path, tmp_path: Path, fault: str
) -> None:
    package = archive(registry, "../out.js" if fault == "a way out" else "package/index.js")
    if fault == "another archive":
        archive(registry, "package/other.js")
    if fault == "no archive":
        (registry / package.archive).unlink()
    with pytest.raises((BackboneError, BundleError)) as caught:
        web_packages((package,))
    words = {"another archive": "SHA-512", "no archive": "--packages", "a way out": "leads out of its folder"}
    assert words[fault] in str(caught.value)
    assert list((tmp_path / "cache" / "web").iterdir()) == []


def test_the_pinned_versions_are_those_of_the_page() -> None:
    wanted = json.loads((ROOT / "exports/browser/package.json").read_text())["dependencies"]
    pinned = {package.name: package.version for package in WEB_PACKAGES}
    assert wanted.items() <= pinned.items()
    assert set(pinned) - set(wanted) == {"@litertjs/wasm-utils"}  # what @litertjs/core depends on
