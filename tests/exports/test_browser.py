"""The page runs a real bundle in a real browser, in both runtimes, and asks nobody else for anything."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import axe_script, browser, console, needs_browser, requested, serious_violations, served
from tests.exports.javascript import installed, needs_node
from tests.verification import tampering
from tests.verification.making import make_real_bundle, make_three_colours, read_photos
from tfxfer.stages.pipeline import run
from tfxfer.stages.predict import predict

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_browser, needs_node]

MARKUP = "<img src=x onerror=alert(1)>"
FILES = ("litert/float32.tflite", "onnx/float32.onnx")
WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_three_colours(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="module")
def page(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as its README makes it, with a fresh bundle, and one more in which a label is markup."""
    folder = installed("browser", tmp_path_factory.mktemp("page"))
    make_real_bundle(folder / "bundle", read_photos(photos, "crop"), rule="crop")
    hostile = make_real_bundle(folder / "hostile", read_photos(photos, "crop"), rule="crop")
    contract = tampering.read(hostile)
    for output in contract["outputs"]:
        output["labels"] = [MARKUP if label == "red" else label for label in output["labels"]]
    tampering.write(hostile, contract)
    return folder


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


def until(driver: Any, condition: Callable[[Any], object]) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 90, poll_frequency=0.05).until(condition)


def text(driver: Any, identity: str) -> str:
    return str(driver.find_element("id", identity).text)


@contextmanager
def opened(page: Path, bundle: str = "bundle/", **window: Any) -> Iterator[tuple[Any, str]]:
    with served(page) as address, browser(**window) as driver:
        driver.get(f"{address}?bundle={bundle}")
        until(driver, lambda shown: shown.execute_script("return document.body.dataset.ready") == "yes")
        yield driver, address


def choose(driver: Any, file: str) -> None:
    from selenium.webdriver.support.select import Select

    select = Select(driver.find_element("id", "artifact"))
    select.select_by_value(file)
    until(driver, lambda _: driver.find_element("id", "check").is_enabled())


def ask(driver: Any, picture: Path) -> str:
    """What the page says of a picture."""
    driver.execute_script("document.getElementById('time').textContent = ''")
    driver.find_element("id", "file").send_keys(str(picture))
    until(driver, lambda _: text(driver, "time"))
    driver.execute_script("document.getElementById('file').value = ''")
    return text(driver, "said")


def test_ten_pictures_get_the_labels_that_the_bundle_gives_and_nothing_is_asked_elsewhere(
    page: Path, photos: Path
) -> None:
    pictures = sorted(photos.glob("*/*.png"))[1::6]
    assert len(pictures) == 10
    wanted = [entry["label"] for entry in predict(page / "bundle", pictures)["predictions"]]
    assert len(set(wanted)) == 3
    with opened(page) as (driver, address):
        for file in FILES:
            choose(driver, file)
            assert [ask(driver, picture) for picture in pictures] == wanted
        assert all(asked.startswith(address) for asked in requested(driver))
        assert console(driver) == []


@pytest.mark.real
def test_ten_flowers_of_the_test_split_get_the_trained_network_s_labels(
    page: Path, assets: Path, tmp_path: Path
) -> None:
    photos, weights = assets / "images" / "flowers5", assets / "keras_weights" / WEIGHTS
    config = {
        "data": str(photos),
        "backbone": {"name": "keras/MobileNetV2", "weights": str(weights), "image_size": 128},
        "training": "feature_extraction",
        "exports": ["litert", "onnx"],
    }
    run(config, tmp_path / "run")
    shutil.copytree(tmp_path / "run" / "bundle", page / "flowers")
    with (tmp_path / "run" / "splits.csv").open(encoding="utf-8", newline="") as table:
        held_out = [photos / row["path"] for row in csv.DictReader(table) if row["split"] == "test"]
    pictures = held_out[:: len(held_out) // 9][:10]
    assert len(pictures) == 10
    wanted = [entry["label"] for entry in predict(tmp_path / "run", pictures)["predictions"]]
    assert len(set(wanted)) >= 4
    with opened(page, "flowers/") as (driver, _):
        for file in FILES:
            choose(driver, file)
            assert [ask(driver, picture) for picture in pictures] == wanted
        assert console(driver) == []


@pytest.mark.parametrize("file", FILES)
def test_the_golden_answers_hold_and_a_changed_weight_breaks_them(
    page: Path, file: str, tmp_path: Path
) -> None:
    import numpy as np

    kernel = tampering.first_convolution(page / "bundle", file)
    changed = page / f"changed-{file.split('/')[0]}"
    shutil.copytree(page / "bundle", changed)
    tampering.change_one_weight(changed, file, kernel.flat[np.abs(kernel).argmax()], 1.05)
    for bundle, wanted in (("bundle/", "All 6 golden answers hold"), (f"{changed.name}/", "difference")):
        with opened(page, bundle) as (driver, _):
            choose(driver, file)
            driver.find_element("id", "check").click()
            until(driver, lambda shown: text(shown, "checked"))
            assert wanted in text(driver, "checked")


def test_a_label_that_is_markup_is_text(page: Path, photos: Path) -> None:
    with opened(page, "hostile/") as (driver, _):
        assert ask(driver, next((photos / "red").glob("*.png"))) == MARKUP
        assert driver.find_elements("css selector", "main img") == []
        assert MARKUP in text(driver, "bars")


def test_what_is_no_picture_is_said_so(page: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    with opened(page) as (driver, _):
        driver.find_element("id", "file").send_keys(str(tmp_path / "notes.png"))
        until(driver, lambda shown: text(shown, "problem"))
        assert "no picture" in text(driver, "problem")
        assert ask(driver, next(photos.glob("*/*.png")))  # and the page goes on
        assert text(driver, "problem") == ""


def test_the_camera_is_answered_frame_by_frame_until_it_is_stopped(page: Path) -> None:
    with opened(page) as (driver, _):
        driver.find_element("id", "camera").click()
        until(driver, lambda shown: "ms in" in text(shown, "time"))
        assert text(driver, "camera") == "Stop the camera"
        driver.find_element("id", "camera").click()
        assert text(driver, "camera") == "Use the camera"


def test_the_command_demo_serves_the_same_page(page: Path, photos: Path) -> None:
    command = [sys.executable, "-m", "tfxfer", "demo", str(page / "bundle"), "--no-open"]
    command += ["--packages", str(page / "node_modules")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with browser() as driver:
            driver.get(address)
            until(driver, lambda shown: shown.execute_script("return document.body.dataset.ready") == "yes")
            for file in FILES:
                choose(driver, file)
                assert ask(driver, next((photos / "red").glob("*.png"))) == "red"
            assert console(driver) == []
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0


def test_a_bundle_that_is_not_there_is_said_so(page: Path) -> None:
    with served(page) as address, browser() as driver:
        driver.get(f"{address}?bundle=nowhere/")
        until(driver, lambda shown: text(shown, "problem"))
        assert "nowhere/contract.json" in text(driver, "problem")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_serious_stands_in_anybodys_way(
    page: Path, photos: Path, axe: str, width: int, dark: bool
) -> None:
    with opened(page, width=width, dark=dark) as (driver, _):
        ask(driver, next(photos.glob("*/*.png")))
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        assert serious_violations(driver, axe) == []
