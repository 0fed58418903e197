"""The pages in a real browser, on a desk and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inference_worker.commands.main import main
from inference_worker.report import write_training_report
from tests.dashboards.test_browser import SIZES, chromium
from tests.report.test_pages import FOUND, HISTORY, NAMES, TRUTH, coco, command
from tests.services import missing

__all__ = ["coco", "command"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if chromium() is None:
        missing("no Chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"]
        )
        yield running
        running.close()


@pytest.fixture
def pages(command: list[str], tmp_path: Path) -> dict[Path, int]:
    """Both pages and how many charts each holds."""
    measured = tmp_path / "measured.html"
    main([*command, "--report", str(measured)])
    trained = write_training_report(tmp_path, HISTORY, TRUTH, FOUND, NAMES, 0.5)
    # As somebody gets it by mail: alone.
    alone = tmp_path / "mail"
    alone.mkdir()
    return {
        Path(shutil.move(measured, alone / measured.name)): 5,
        Path(shutil.move(trained, alone / trained.name)): 8,
    }


@pytest.mark.parametrize("size", SIZES)
def test_every_chart_is_drawn_without_the_network(
    browser: Any, pages: dict[Path, int], size: str
) -> None:
    for path, count in pages.items():
        check(browser, path, count, SIZES[size])


def check(browser: Any, path: Path, count: int, size: tuple[int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(path.as_uri(), wait_until="networkidle")
    assert page.locator(".chart").count() == count
    assert page.locator(".chart:not(:has(.main-svg))").count() == 0
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(wide) <= 0
    heard = [line for line in heard if not line.startswith(("data:", "blob:"))]
    assert heard == [path.as_uri()]
    page.close()


def test_a_name_with_tags_is_drawn_as_it_is_written(
    browser: Any, pages: dict[Path, int]
) -> None:
    page = browser.new_page()
    page.goto(list(pages)[1].as_uri(), wait_until="networkidle")
    for place in (".xtick", ".ytick"):
        drawn = page.locator(place).all_text_contents()
        assert NAMES[2] in drawn, place
    page.close()
