"""What comes and goes on an open page moves nothing on it."""

from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.board_browser import TOKEN
from tests.support.film import Film
from tests.support.watched_visits import Visit, come_back_to

DESKTOP, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=780)
PAUSE = """
INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, paused)
VALUES (%s, 'host', 1, '1', 16, jsonb_build_object(
    'ark-content-generation-v2-ap-southeast-1.tos-ap-southeast-1.bytepluses.com',
    now() + interval '30 s'))
"""
WATCH = """
() => {
  window.shifts = [];
  window.observer = new PerformanceObserver((found) => window.shifts.push(...found.getEntries()));
  window.observer.observe({ type: "layout-shift" });
}
"""
# Shifts are told after the frame in which they happen. The age of something, which stands at the
# right, may have another width.
SHIFTS = """
async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  window.shifts.push(...window.observer.takeRecords());
  return window.shifts
    .flatMap((shift) => shift.sources)
    .filter(({ previousRect, currentRect }) => previousRect.y !== currentRect.y)
    .map(({ node }) => node && node.outerHTML);
}
"""


def see_news(page: Page) -> None:
    """The page shows the whole as it is now, and not as it was some seconds ago."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    # The server forgets what it has read of the whole.
    page.context.request.post(f"/api/storyboards/{uuid4()}/retry", headers=headers)
    # A question that is under way may have been answered before that.
    page.wait_for_function("() => !asking")
    come_back_to(page)
    page.wait_for_function("() => !asking")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pause_and_its_end(
    visit: Visit, film: Film, producer: psycopg.Connection, viewport: ViewportSize, language: str
) -> None:
    film.add_failed(1)
    page = visit(f"/?lang={language}", viewport=viewport)
    see_news(page)
    pause = page.locator(".findings li", has_text="bytepluses")
    expect(page.locator(".findings .watch")).to_have_count(1)
    page.evaluate(WATCH)
    worker_id = uuid4().hex
    producer.execute(PAUSE, [worker_id])
    try:
        see_news(page)
        expect(pause).to_be_visible()
    finally:
        producer.execute("DELETE FROM storyboard_workers WHERE worker_id = %s", [worker_id])
    assert page.evaluate(SHIFTS) == []
    see_news(page)
    expect(pause).to_have_count(0)
    assert page.evaluate(SHIFTS) == []


def test_an_outage_of_the_server_and_its_end(visit: Visit, film: Film) -> None:
    for path in ("/", f"/panels/{film.add_waiting(1)}"):
        page = visit(path, loads_may_fail=True)
        page.evaluate(WATCH)
        told = page.get_by_text("This page is not up to date")
        page.context.set_offline(True)
        come_back_to(page)
        expect(told).to_be_visible()
        page.context.set_offline(False)
        come_back_to(page)
        expect(told).to_have_count(0)
        assert page.evaluate(SHIFTS) == []
