"""The placeholder in an ``<img>`` of a page of another origin, as a web app has it, and alone."""

import io
import re

from PIL import Image
from playwright.sync_api import Locator, expect

from storyboard_worker.demo.origin import Origin
from tests.support.film import Film
from tests.support.page_code import script_of
from tests.support.panels import IMAGE
from tests.support.watched_visits import PATIENCE_MS, Visit

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>Film</title><link rel="icon" href="data:,">
<img alt="" src="{url}/api/storyboards/{panel}/image?w=480&amp;h=270">
"""


def tones(image: Locator) -> tuple[int, int, int]:
    """Of what the screen shows of it: the corner's, the darkest and the lightest; 0 is black."""
    pixels = Image.open(io.BytesIO(image.screenshot())).convert("L").tobytes()
    return pixels[0], min(pixels), max(pixels)


def test_it_is_drawn_in_the_size_asked_for_light_and_dark(
    visit: Visit, film: Film, origin: Origin, board_url: str
) -> None:
    page_of_app = PAGE.format(url=board_url, panel=film.add_waiting(1)).encode()
    origin.put("film.html", page_of_app, content_type="text/html")
    page = visit(origin.sign("film.html"), signed_in=False, color_scheme="light")
    image = page.locator("img")
    expect(image).to_have_js_property("naturalWidth", 480)
    expect(image).to_have_js_property("naturalHeight", 270)

    # The ground, and letters that stand out from it.
    ground, darkest, _ = tones(image)
    assert ground > 230
    assert darkest < 80
    page.emulate_media(color_scheme="dark")
    ground, _, lightest = tones(image)
    assert ground < 50
    assert lightest > 180


def test_the_script_of_the_page_for_producers_shows_the_picture_when_it_is_there(
    visit: Visit, film: Film, origin: Origin, board_url: str
) -> None:
    panel = film.add_waiting(1)
    placed = PAGE.format(url=board_url, panel=panel)
    script = f"{script_of('PRODUCERS')}\nshowWhenReady(document.images[0])"
    page_of_app = f"{placed}<script>{script}</script>".encode()
    origin.put("film.html", page_of_app, content_type="text/html")
    page = visit(signed_in=False)
    with page.expect_response(lambda answer: answer.request.method == "HEAD") as asked:
        page.goto(origin.sign("film.html"))
    assert asked.value.headers["retry-after"]
    image = page.locator("img")
    expect(image).to_have_js_property("naturalWidth", 480)

    film.let_go(panel)

    expect(image).to_have_attribute("src", re.compile(r"[?&]v=[1-9]"), timeout=PATIENCE_MS)
    with Image.open(io.BytesIO(IMAGE)) as picture:
        expect(image).to_have_js_property("naturalWidth", picture.width)


def test_opened_by_itself_it_looks_the_same(visit: Visit, film: Film) -> None:
    """Then its own content security policy holds, which an ``<img>`` does not look at."""
    panel = film.add_waiting(1)
    page = visit(f"/api/storyboards/{panel}/image?w=480&h=270", color_scheme="dark")
    ground, _, lightest = tones(page.locator("svg"))
    assert ground < 50
    assert lightest > 180
