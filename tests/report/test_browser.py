"""The page in a real browser, on a phone and a desk, light and dark: quiet, alone, and open to everybody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import axe_script, browser, console, needs_browser, requested, serious_violations
from tests.report.making import HOSTILE, TASKS, finished, gate, report
from tests.report.test_race import comparison
from tfxfer.report.comparison import render_comparison
from tfxfer.report.page import render_report
from tfxfer.report.race import render_race

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_browser]

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm, which axe-core comes from, is not installed"
)
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page of each task, one of a run that failed, one of two runs beside each other."""
    folder = tmp_path_factory.mktemp("pages")
    for name, value in TASKS.items():
        (folder / f"{name}.html").write_text(render_report(finished(value())), encoding="utf-8")
    failed = report()
    failed["gates"].append(gate("max_accuracy_drop", "litert:int8", passed=False))
    failed["artifacts"][2] |= {"status": "failed", "why": "max_accuracy_drop 0.02: a drop of 0.3"}
    (folder / "failed.html").write_text(render_report(finished(failed)), encoding="utf-8")
    compared = render_comparison({"runs/a": finished(report()), HOSTILE: finished(failed)})
    (folder / "comparison.html").write_text(compared, encoding="utf-8")
    (folder / "race.html").write_text(render_race(comparison()), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module", params=[(width, dark) for width in WIDTHS for dark in (False, True)], ids=str)
def window(request: pytest.FixtureRequest) -> Iterator[tuple[Any, int]]:
    width, dark = request.param
    with browser(width=width, dark=dark) as driver:
        yield driver, width


@pytest.mark.parametrize("name", [*TASKS, "failed", "comparison", "race"])
def test_it_opens_quietly_and_fits(window: tuple[Any, int], pages: Path, name: str) -> None:
    driver, width = window
    address = (pages / f"{name}.html").as_uri()
    driver.get(address)
    assert requested(driver) == {address}
    assert console(driver) == []
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    for part in driver.find_elements("css selector", "section"):
        assert part.rect["height"] > 40
        assert part.find_element("css selector", "h2").text
    plots = [plot for plot in driver.find_elements("css selector", "svg") if plot.is_displayed()]
    assert plots
    assert all(plot.rect["width"] > 200 for plot in plots)
    assert all(driver.execute_script("return [...document.images].map(image => image.naturalWidth > 0)"))
    assert HOSTILE in driver.find_element("css selector", "body").text


@needs_npm
@pytest.mark.parametrize("name", [*TASKS, "failed", "comparison", "race"])
def test_it_shuts_nobody_out(window: tuple[Any, int], pages: Path, axe: str, name: str) -> None:
    driver, _ = window
    driver.get((pages / f"{name}.html").as_uri())
    assert serious_violations(driver, axe) == []


def test_the_verdict_is_on_the_first_screen_of_a_phone(pages: Path) -> None:
    with browser(width=390, height=700) as driver:
        driver.get((pages / "failed.html").as_uri())
        (title,) = driver.find_elements("css selector", "h1")
        (failure,) = driver.find_elements("css selector", ".failures li")
        assert title.text == "Not ready: 1 check failed"
        assert failure.rect["y"] + failure.rect["height"] < 700


def test_dark_and_light_are_two(pages: Path) -> None:
    colours = []
    for dark in (False, True):
        with browser(dark=dark) as driver:
            driver.get((pages / "classification.html").as_uri())
            script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
            colours.append(
                (
                    driver.execute_script(script, "body", "backgroundColor"),
                    driver.execute_script(script, "svg text", "fill"),
                )
            )
    (light_page, light_ink), (dark_page, dark_ink) = colours
    assert light_page != dark_page
    assert light_ink != dark_ink


def test_the_race_is_chosen_by_size_and_by_way(pages: Path) -> None:
    with browser(width=390) as driver:
        driver.get((pages / "race.html").as_uri())

        def shown() -> int:
            return sum(lane.is_displayed() for lane in driver.find_elements("css selector", ".lane"))

        assert shown() == 4  # every way on the largest set
        driver.find_element("id", "arm-1").click()
        assert shown() == 1
        driver.find_element("id", "size-1").click()
        (verdict,) = [one for one in driver.find_elements("css selector", ".verdict") if one.is_displayed()]
        assert "10 training pictures" in verdict.text
