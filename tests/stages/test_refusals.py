"""Whatever is wrong with config, data, weights or command line: one message, its exit code, nothing left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages import broken
from tests.stages.running import write_config

Change = Callable[[Path], object]
RUN = ("run", "run.yaml", "--out", "runs/out", "--quiet")


@dataclass(frozen=True, slots=True)
class Case:
    """A change to a working folder, and what the command then says."""

    code: int
    words: str
    change: Change = lambda folder: None
    line: tuple[str, ...] = RUN


def options(*more: str) -> tuple[str, ...]:
    return (*RUN, *more)


def phases(text: str) -> Change:
    return lambda folder: write_config(
        folder / "run.yaml", "photos", rest=f"training: {{phases: [{text}]}}\n"
    )


HEAD = "{name: head, unfreeze: none, epochs: 1}"
FINE = "name: fine, epochs: 1, learning_rate: 0.0001"
COMMAND_LINE = {
    "unknown command": Case(2, "did you mean 'run'", line=("runn", "run.yaml")),
    "set without a value": Case(2, "--set must be KEY=VALUE", line=options("--set", "seed")),
    "set without a key": Case(2, "--set", line=options("--set", "=3")),
    "set of half a list": Case(2, "--set", line=options("--set", "exports[0=onnx")),
    "set beyond a list": Case(2, "training.phases[7]", line=options("--set", "training.phases[7].epochs=3")),
    "set of broken yaml": Case(2, "--set", line=options("--set", "exports=[onnx")),
    "out is a file": Case(2, "run.yaml", line=("run", "run.yaml", "--out", "run.yaml")),
    "out below a file": Case(2, "run.yaml/out", line=("run", "run.yaml", "--out", "run.yaml/out")),
    "out holds photos": Case(2, "'photos'", line=("run", "run.yaml", "--out", "photos", "--resume")),
    "out is a dangling link": Case(
        2, "'out'", lambda folder: (folder / "out").symlink_to("nowhere"), ("run", "run.yaml", "--out", "out")
    ),
    "no config": Case(2, "none.yaml", line=("run", "none.yaml", "--out", "out")),
    "config is a folder": Case(2, "photos", line=("run", "photos", "--out", "out")),
    "verify of no bundle": Case(1, "photos", line=("verify", "photos")),
    "verify of the folder above a bundle": Case(
        1,
        "To go on, verify 'runs/bundle'.",
        lambda folder: broken.bundle(folder / "runs/bundle", "manifest.json"),
        ("verify", "runs"),
    ),
    "predict with a bundle that lost its contract": Case(
        1,
        "no contract.json. Copy the bundle again",
        lambda folder: broken.bundle(folder / "bundle", "manifest.json"),
        ("predict", "--model", "bundle", "--data", "photos"),
    ),
    "export of no model": Case(
        2, "'photos'", line=("export", "--model", "photos", "--data", "photos", "--out", "bundle")
    ),
}
CONFIG = {
    "not UTF-8": Case(2, "run.yaml", lambda folder: broken.raw(folder, b"data: caf\xe9\n")),
    "exploding aliases": Case(2, "run.yaml", lambda folder: broken.raw(folder, broken.aliases())),
    "empty": Case(2, "'data'", lambda folder: broken.raw(folder, b"")),
    "deep nesting": Case(2, "run.yaml", lambda folder: broken.raw(folder, b"[" * 100_000)),
    "a tag that makes objects": Case(
        2, "run.yaml", lambda folder: broken.raw(folder, b"data: !!python/object/apply:os.system [ls]\n")
    ),
    "unknown key": Case(2, "did you mean 'seed'", lambda folder: broken.config(folder, "sed: 3\n")),
    "the same key twice": Case(2, "line 9", lambda folder: broken.config(folder, "data: photos\n")),
    "endless number": Case(2, "line 9", lambda folder: broken.config(folder, f"seed: {'9' * 5000}\n")),
    "unknown backbone": Case(
        2, "keras/MobileNetV2", lambda folder: broken.backbone(folder, "keras/MobilNetV2")
    ),
    "small pictures": Case(
        2, "image_size", lambda folder: broken.backbone(folder, "{name: keras/MobileNetV2, image_size: 8}")
    ),
    "a picture size below nothing": Case(
        2,
        "error: run.yaml, line 2: backbone.image_size of embedded/small must be 16 to 4096",  # said once
        lambda folder: broken.backbone(folder, "{name: embedded/small, image_size: -5}"),
    ),
    "until a block that is not there": Case(
        2,
        "4 blocks: stem, block_1, block_2, block_3. Received: 'block_9'",
        lambda folder: broken.backbone(folder, "{name: embedded/small, until: block_9}"),
    ),
    "unknown option": Case(
        2, "alpah", lambda folder: broken.backbone(folder, "{name: keras/MobileNetV2, options: {alpah: 1}}")
    ),
    "unknown block": Case(2, "block_3", phases(f"{HEAD}, {{{FINE}, unfreeze: from nonsense}}")),
    "99 blocks": Case(2, "'fine'", phases(f"{HEAD}, {{{FINE}, unfreeze: 99 blocks}}")),
    "solving what is no linear head": Case(
        2, "solver", phases(f"{HEAD}, {{{FINE}, unfreeze: all, solver: lbfgs}}")
    ),
    "solving a head that keeps an average": Case(
        2,
        "needs a head that can be solved",
        phases(f"{HEAD}, {{name: last, epochs: 1, unfreeze: none, solver: lbfgs, ema_momentum: 0.9}}"),
        ("plan", "run.yaml"),
    ),
    "hub without pixels": Case(2, "pixels", lambda folder: broken.hub(folder, pixels=False, content=True)),
    "hub folder without a SavedModel": Case(
        2, "saved_model.pb", lambda folder: broken.hub(folder, pixels=True, content=False)
    ),
    "an unknown hub address without pixels": Case(
        2, "pixels", lambda folder: broken.backbone(folder, '{name: "hub/https://tfhub.dev/x"}')
    ),
    "data that are not there": Case(2, "nowhere", lambda folder: broken.data(folder, "nowhere")),
    "data at an address": Case(
        2, "https://", lambda folder: broken.data(folder, "https://example.org/a.zip")
    ),
    "weights that are not there": Case(2, "none.h5", lambda folder: broken.weights(folder, "none.h5")),
}
DATA = {
    "truncated photo": Case(1, "red/000.png", broken.truncated),
    "empty photo": Case(1, "red/new.png", lambda folder: broken.photo(folder, "red/new.png", b"")),
    "text as photo": Case(
        1, "red/new.jpg", lambda folder: broken.photo(folder, "red/new.jpg", b"no picture")
    ),
    "decompression bomb": Case(
        1, "red/new.png", lambda folder: broken.photo(folder, "red/new.png", broken.bomb())
    ),
    "a format that is not read": Case(
        1, "new.tiff", lambda folder: broken.photo(folder, "red/new.tiff", b"II*")
    ),
    "a link that leaves the folder": Case(1, "red/link.png", broken.link_out),
    "one image under two labels": Case(1, "red/same.png", broken.two_labels),
    "a class of two": Case(1, "'red'", lambda folder: broken.only(folder, 2)),
    "an empty class": Case(1, "'red'", lambda folder: broken.only(folder, 0)),
    "one class": Case(1, "class", broken.one_class),
    "photos in no class": Case(1, "flat", broken.without_folders),
    "an empty folder": Case(
        1, "void", lambda folder: ((folder / "void").mkdir(), broken.data(folder, "void"))
    ),
    "a newline in a label": Case(1, "a\\nb", lambda folder: broken.label(folder, "a\nb")),
    "an escape sequence in a label": Case(1, "\\x1b", lambda folder: broken.label(folder, "a\x1b[31m")),
    "text that turns round in a label": Case(1, "\\u202e", lambda folder: broken.label(folder, "a\u202eb")),
    "two spellings of one label": Case(
        1, "\\xe9", lambda folder: (broken.label(folder, "caf\xe9"), broken.label(folder, "cafe\u0301", 19))
    ),
    "manifest without labels": Case(
        1, "label", lambda folder: broken.manifest(folder, "path\nphotos/red/000.png\n")
    ),
    "manifest with an address": Case(
        1, "https://", lambda folder: broken.manifest(folder, "path,label\nhttps://example.org/a.png,red\n")
    ),
    "manifest that climbs out": Case(
        1, "../../etc/passwd", lambda folder: broken.manifest(folder, "path,label\n../../etc/passwd,red\n")
    ),
    "manifest of what is not there": Case(
        1, "gone.png", lambda folder: broken.manifest(folder, "path,label\ngone.png,red\n")
    ),
    "manifest without rows": Case(
        1, "list.tsv", lambda folder: broken.manifest(folder, "path\tlabel\n", "list.tsv")
    ),
    "group that no file has": Case(
        1, "red/000.png", line=options("--set", "data.group_by='patient([0-9]+)'")
    ),
}
WEIGHTS = {
    "truncated weights": Case(1, "net.weights.h5", broken.truncated_h5),
    "weights of another network": Case(1, "net.weights.h5", broken.other_h5),
    "a pickle": Case(1, "net.h5", broken.pickled),
    "nothing in the file": Case(1, "net.h5", broken.empty_h5),
    "a backbone with a Lambda": Case(1, "Lambda", broken.lambda_backbone),
    "a damaged backbone": Case(1, "net.keras", broken.damaged_backbone),
    "a damaged SavedModel": Case(1, "module", lambda folder: broken.hub(folder, pixels=True, content=True)),
    "a model with a Lambda": Case(
        1,
        "Lambda",
        lambda folder: broken.lambda_file(folder, "net.keras"),
        ("export", "--model", "net.keras", "--data", "photos", "--out", "bundle"),
    ),
    "an old model with a Lambda": Case(
        1,
        "Lambda",
        lambda folder: broken.lambda_file(folder, "net.h5"),
        ("evaluate", "--model", "net.h5", "--data", "photos"),
    ),
    "a damaged LiteRT file": Case(
        1,
        "net.tflite",
        lambda folder: (folder / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3 no more"),
        ("predict", "--model", "net.tflite", "--data", "photos"),
    ),
    "a damaged ONNX file": Case(
        1,
        "net.onnx",
        lambda folder: (folder / "net.onnx").write_bytes(b"\x08\x07 no more"),
        ("predict", "--model", "net.onnx", "--data", "photos"),
    ),
}
CASES = {
    f"{room}: {name}": case
    for room, cases in (
        ("command line", COMMAND_LINE),
        ("config", CONFIG),
        ("data", DATA),
        ("weights", WEIGHTS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_is_refused_with_one_message_and_nothing_is_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    folder = tmp_path / "work"
    make_photos(folder / "photos", per_class=20)
    write_config(folder / "run.yaml", "photos")
    case.change(folder)
    monkeypatch.chdir(folder)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    capsys.readouterr()
    assert call(*case.line) == case.code
    out, err = capsys.readouterr()
    assert case.words in err
    assert err.count("error: ") == 1
    assert err.startswith("error: ")
    assert "Traceback" not in out + err
    assert out == ""
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
