"""What a machine does to a run: a full disk, a second process, a folder that cannot be written, files that change."""

from __future__ import annotations

import http.server
import os
import resource
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.running import report_of, run_obeying_chmod, snapshot, write_config
from tfxfer.errors import RecordError
from tfxfer.stages.pipeline import run
from tfxfer.stages.stage import State
from tfxfer.store.lock import exclusive

REST = """
exports: [onnx]
evaluation: {baselines: false}
training: {batch_size: 8, phases: [{epochs: 2, unfreeze: 1 blocks, learning_rate: 0.001, solver: gradient}]}
"""


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Inside the block no file can grow beyond this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def complete(out: Path) -> list[str]:
    """Names of what looks like finished results."""
    return sorted(
        path.name.rpartition("-")[0] for path in (out / "stages").iterdir() if (path / "key.json").is_file()
    )


def test_a_full_disk_keeps_what_is_done_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    config, out = str(write_config(tmp_path / "run.yaml", "photos", rest=REST)), tmp_path / "out"
    known: list[list[str]] = []
    for limit in (40_000, 900_000):  # too small for the decoded pictures, and for the network
        with largest_file(limit):
            code = call("run", config, "--out", str(out), "--resume")
        told = capsys.readouterr().err
        assert code == 1, told
        assert "Make room" in told
        assert "Traceback" not in told
        assert not list(out.rglob("*.part"))
        known.append(complete(out) if out.exists() else [])
    assert known == [[], ["data"]]
    assert f"go on with: tfxfer run {config} --out {out} --resume" in told
    assert call("run", config, "--out", str(out), "--resume") == 0


def test_two_runs_in_one_folder(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished.copy(tmp_path / "out")
    before = snapshot(out)
    with exclusive(out / ".lock"):
        assert call("run", str(finished.config), "--out", str(out), "--resume") == 1
    assert "one process at a time" in capsys.readouterr().err
    assert snapshot(out) == before


def test_a_folder_that_cannot_be_written(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    place = "/proc/tfxfer-runs/out"  # which the kernel lets nobody write, not even root
    assert call("run", str(finished.config), "--out", place) == 2
    assert f"--out must be a folder that can be written. Received: '{place}'" in capsys.readouterr().err


@pytest.fixture
def read_only(finished: Finished, tmp_path: Path) -> Iterator[Path]:
    """A finished run on what has become read-only, and a folder beside it that always was."""
    out = finished.copy(tmp_path / "out")
    (tmp_path / "closed").mkdir()
    folders = [tmp_path / "closed", out, *(path for path in out.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    (out / ".lock").chmod(0o444)
    yield tmp_path
    for folder in folders:
        folder.chmod(0o755)


CLOSED = {
    "a new run": ("run", "CONFIG", "--out", "closed/new"),
    "a run that goes on": ("run", "CONFIG", "--out", "out", "--resume"),
    "a run in a folder that is there": ("train", "CONFIG", "--out", "closed"),
    "a comparison": ("compare", "CONFIG", "--out", "closed/new"),
    "the page of a comparison": ("compare", "CONFIG", "--html", "closed/race.html"),
    "a range test": ("find-lr", "CONFIG", "--out", "closed/new"),
    "timing": ("benchmark", "--model", "out", "--out", "closed"),
    "scoring": ("evaluate", "--model", "out", "--out", "closed/new"),
    "a bundle": ("export", "--model", "out", "--data", "photos", "--out", "closed/new"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_read_only_folder_is_refused_before_any_work(
    name: str, finished: Finished, read_only: Path
) -> None:
    before = snapshot(read_only)
    words = [str(finished.config) if word == "CONFIG" else word for word in CLOSED[name]]
    told = run_obeying_chmod(*words, cwd=read_only)
    assert told.returncode == 2, told.stderr
    assert told.stderr.startswith("error: ")
    assert told.stderr.count("\n") == 1  # nothing was begun, nothing is said of going on
    assert "must be a folder that can be written. Received: " in told.stderr
    assert "no permission to write into" in told.stderr
    assert told.stdout == ""
    assert snapshot(read_only) == before


def test_a_page_in_a_read_only_run_is_refused_with_the_repair(read_only: Path) -> None:
    before = snapshot(read_only)
    told = run_obeying_chmod("report", "out", cwd=read_only)
    assert told.returncode == 1
    assert told.stderr.startswith("error: what is used must be readable, and what is changed writable.")
    assert "chmod u+rwX" in told.stderr
    assert snapshot(read_only) == before


def test_what_only_reads_works_on_a_read_only_run(finished: Finished, read_only: Path) -> None:
    before = snapshot(read_only)
    for words in (
        ("verify", "out/bundle"),
        ("explain", "out", str(finished.config)),
    ):
        told = run_obeying_chmod(*words, cwd=read_only)
        assert told.returncode == 0, told.stderr
    assert snapshot(read_only) == before


def test_a_download_that_breaks_off_ends_the_run_with_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFXFER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with serving(b"x" * 5_000, missing=100) as address:
        backbone = f'backbone: {{name: "hub/{address}/module.tar.gz", pixels: "[0,1]"}}\n'
        write_config(tmp_path / "run.yaml", "photos", backbone=backbone)
        assert call("run", "run.yaml", "--out", "out", "--quiet") == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {address}/module.tar.gz")
    assert told.count("\n") == 1
    assert "broke off. Nothing was kept; run the command again." in told
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "cache" / "hub").exists()
    assert not list((tmp_path / "temporary").iterdir())


@dataclass(frozen=True, slots=True)
class Away:
    """A stage after which the pictures are gone, as on a share that is lost."""

    photos: Path
    name: str = "away"

    def __call__(self, state: State, /) -> State:
        shutil.rmtree(self.photos)
        return state


def test_pictures_that_go_away_are_named_and_nothing_is_trained_again(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", per_class=12)
    config = write_config(tmp_path / "run.yaml", "photos", rest="exports: [onnx]\n")
    with pytest.raises(RecordError, match=r"\.png' must be a file\. .* Restore or remove it"):
        run(config, tmp_path / "out", after={"data": Away(photos)})
    make_photos(tmp_path / "photos", per_class=12)
    report = run(config, tmp_path / "out", resume=True)
    assert [artifact["status"] for artifact in report["artifacts"]] == ["passed"]
    assert report["stages"]["train"] == "run"


@contextmanager
def serving(data: bytes, *, missing: int) -> Iterator[str]:
    """The address of a real server that announces `data` and hangs up before its last bytes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:-missing])

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_clock_that_goes_back_changes_nothing(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    for path in out.rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert call("run", str(finished.config), "--out", str(out), "--resume") == 0
    assert set(report_of(out)["stages"]) == set(finished.report["stages"])
