"""A person's way through the pages, in a real browser."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from django.urls import reverse

from tests.api.calibrations import written
from tests.dashboards import world
from tests.dashboards.factories import PASSWORD
from tests.services import missing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def chromium():
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        missing("no Chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver, pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in this thread, and Django takes that for async code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        running = driver.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"]
        )
        yield running
        running.close()


class Visit:
    """A browser page that remembers what went wrong in it."""

    def __init__(self, browser, server, language, size):
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB"
        )
        self.page = self.context.new_page()
        self.base, self.language, self.trouble = server.url, language, []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.trouble.append(message.text)

    def _request(self, request):
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.trouble.append(f"leaves the host: {request.url}")

    def open(self, path):
        self.page.goto(self.base + path, wait_until="networkidle")
        self.check()

    def check(self):
        wide = self.page.evaluate(
            "(root => root.scrollWidth - root.clientWidth)(document.documentElement)"
        )
        assert wide == 0, f"{self.page.url} scrolls sideways by {wide} px"
        assert not self.trouble, f"{self.page.url}: {self.trouble}"

    def sign_in(self, user):
        self.open("/sign-in/")
        self.page.click(f"button[value={self.language}]")
        self.page.fill("#id_username", user)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("button.primary")
        self.page.wait_for_url(self.base + "/")

    def charts(self):
        """Scroll to every chart that is open; how many have something drawn in them."""
        shown = self.page.locator("[data-figure]:visible").all()
        for chart in shown:
            chart.scroll_into_view_if_needed()
            chart.locator(".trace").first.wait_for(state="attached")
        return len(shown)


@pytest.fixture
def served(live_server, redis_server):
    world.build(days=6, per_day=10)
    return live_server


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_from_the_overview_to_a_verdict_and_an_alert(browser, served, language, size):
    visit = Visit(browser, served, language, size)
    page = visit.page
    visit.sign_in("engineer")
    assert visit.charts() >= 2

    page.click(".problem-row:has(.confidence) h3 a")
    page.wait_for_load_state("networkidle")
    visit.check()
    assert visit.charts() >= 2
    assert page.locator(".cause h3").count() >= 4

    page.click(".strip a")
    page.wait_for_load_state("networkidle")
    visit.check()
    boxes = page.locator(".photo .boxes .edge")
    assert boxes.first.is_visible()
    page.locator(".show-boxes").uncheck()
    assert not boxes.first.is_visible()
    with page.expect_response("**/verdict/"):
        page.click("#verdict button[value=confirmed]")
    page.wait_for_selector("#verdict button[value=confirmed][aria-pressed=true]")

    for view in ("table", "gallery"):
        visit.open(f"/inspections/?view={view}&outcome=defective")
        assert page.locator(".thumb-photo img").first.is_visible()

    visit.open("/alerts/")
    page.click(".alert-row h3 a")
    page.wait_for_load_state("networkidle")
    visit.check()
    with page.expect_response("**/acknowledge/"):
        page.click("#state .btn.primary")
    page.wait_for_selector("#state .tag.wait")
    visit.open("/jobs/")
    visit.check()
    visit.context.close()


def test_a_filter_changes_the_address_and_the_list(browser, served):
    visit = Visit(browser, served, "en", "desk")
    visit.sign_in("viewer")
    visit.open("/inspections/")
    with visit.page.expect_response("**/inspections/?*"):
        visit.page.select_option("#id_outcome", "defective")
    visit.page.wait_for_url("**outcome=defective**")
    visit.page.wait_for_selector("#results .tag.bad")
    assert visit.page.locator("#results .tag.good").count() == 0
    visit.check()
    visit.context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_camera_is_set_up_and_what_is_wrong_is_told_in_place(
    browser, served, language, size, tmp_path
):
    wrong, right = tmp_path / "wrong.yml", tmp_path / "right.yml"
    middle = np.array([[900.0, 0, 320], [0, 900, 320], [0, 0, 1]])
    photos = {"image_width": 640, "image_height": 640}
    wrong.write_bytes(written(camera_matrix=None, **photos))
    right.write_bytes(written(camera_matrix=middle, **photos))
    visit = Visit(browser, served, language, size)
    page = visit.page
    visit.sign_in("engineer")
    visit.open("/cameras/")
    page.locator(".row-link").first.click()
    page.wait_for_load_state("networkidle")
    page.set_input_files("#id_calibration", wrong)
    page.click(".optics-form button.primary")
    page.locator(".errorlist").wait_for()
    assert "camera_matrix" in page.inner_text(".errorlist")
    page.set_input_files("#id_calibration", right)
    page.fill("#id_region", "100, 100, 400, 400")
    page.click(".optics-form button.primary")
    page.locator(".notice.info").wait_for()
    assert "400 × 400" in page.inner_text(".facts")
    seen = page.locator("img[src*='seen.jpg']")
    seen.scroll_into_view_if_needed()
    wide = seen.evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert wide == 400
    visit.check()
    visit.context.close()


def test_a_bar_of_the_pareto_opens_what_is_behind_it(browser, served):
    visit = Visit(browser, served, "en", "desk")
    visit.sign_in("viewer")
    visit.charts()
    bar = visit.page.locator("[data-figure=pareto] .bars .point path").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.page.wait_for_url(lambda url: "/problems/" in url or "defect=" in url)
    visit.context.close()


def test_without_a_mouse_the_content_is_two_keys_away(browser, served):
    visit = Visit(browser, served, "en", "desk")
    visit.sign_in("viewer")
    visit.page.keyboard.press("Tab")
    assert visit.page.locator(":focus").inner_text() == "Skip to content"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "main"
    visit.context.close()


def test_the_permalink_of_an_alerts_mail_survives_signing_in(browser, served):
    from traceability.alerts.models import Alert

    url = reverse("alert", args=[Alert.objects.order_by("raised_at").first().pk])
    visit = Visit(browser, served, "en", "phone")
    visit.open(url)
    visit.page.fill("#id_username", "viewer")
    visit.page.fill("#id_password", PASSWORD)
    visit.page.click("button.primary")
    visit.page.wait_for_url(visit.base + url)
    visit.check()
    visit.context.close()
