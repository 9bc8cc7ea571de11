"""Pictures of an account that delivers on a host of its own."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Page, Response, Route, expect

from storyboard_worker.demo.pictures import draw
from tests.support.film import Film
from tests.support.watched_visits import Visit, come_back_to

PICTURE = draw(1, width=64, height=36, format="PNG")


@pytest.fixture(autouse=True)
def _no_host_is_left(film: Film, producer: psycopg.Connection) -> Iterator[None]:
    """The galleries of other tests would ask it for pictures."""
    yield
    producer.execute("DELETE FROM storyboards WHERE project_id = %s", [film.project])


def host_of(film: Film) -> str:
    """One that no page has heard of."""
    return f"https://{film.project}.example"


def deliver_from(page: Page, host: str) -> None:
    page.context.route(
        f"{host}/**", lambda route: route.fulfill(body=PICTURE, content_type="image/png")
    )


def make_ready(producer: psycopg.Connection, panel: UUID, host: str) -> None:
    producer.execute(
        "UPDATE storyboards SET status = 'ready', cdn_url = %s, public_id = 'f/a' WHERE id = %s",
        [f"{host}/image/upload/v1/f/a.png", panel],
    )


def is_loaded(page: Page, panel: UUID) -> None:
    image = page.locator(f"#panel-{panel} img")
    expect(image).to_be_visible()
    handle = image.element_handle()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)


def test_a_picture_from_a_new_host_appears_and_disturbs_nothing(
    visit: Visit, film: Film, producer: psycopg.Connection
) -> None:
    panel, host = film.add_waiting(1), host_of(film)
    page = visit(f"/?project={film.project}", elsewhere=host)
    deliver_from(page, host)
    field = page.locator("#f-text")
    field.fill("half a word")

    make_ready(producer, panel, host)
    come_back_to(page)

    is_loaded(page, panel)
    expect(page.locator("#said")).to_have_text("Panel 1: Ready.")
    expect(field).to_have_value("half a word")
    expect(field).to_be_focused()


def test_a_page_is_loaded_again_for_a_host_only_once(
    visit: Visit, film: Film, producer: psycopg.Connection
) -> None:
    """Even if that does not help: something between leaves the host out."""
    panel, host = film.add_waiting(1), host_of(film)
    page = visit(f"/?project={film.project}", elsewhere=host)
    deliver_from(page, host)
    loads: list[Response] = []

    def leave_out(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(f" {host}", ""))

    page.route("**/?project=*", leave_out)
    page.on("response", lambda answer: loads.append(answer) if "/?project=" in answer.url else None)
    make_ready(producer, panel, host)
    come_back_to(page)
    is_loaded(page, panel)
    assert len(loads) == 1

    producer.execute("UPDATE storyboards SET position = 2 WHERE id = %s", [panel])
    come_back_to(page)

    expect(page.locator(f"#panel-{panel} .which")).to_have_text("Panel 2")
    assert len(loads) == 1
