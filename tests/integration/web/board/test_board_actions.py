"""Retry and «process now», by the pages' forms and by the route of programs."""

import threading
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.cli import board_parts
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.web.board import reads
from storyboard_worker.worker.one_row import Foreground
from tests.integration.web.served import SECRET, Serve, Served
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.http_client import Reply, call
from tests.support.panels import enqueue_panel
from tests.support.producing import FAILED, PROCESSING, READY, enqueue, moment, storyboard
from tests.support.waiting import eventually


def status(producer: psycopg.Connection, id_: UUID) -> str:
    return str(storyboard(producer, id_)["status"])


def test_retry_of_one(browser: Browser, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, **FAILED)
    form = browser.see("/").form(f"/panels/{id_}/retry")
    page = Document(browser.submit(form).text)
    assert "1 panel waits for another attempt." in page.text
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, None)
    # A second press, on a page that is out of date.
    page = Document(browser.submit(form).text)
    assert "The panel has not failed" in page.text


def test_retry_of_a_filter_whose_texts_are_long(
    browser: Browser, producer: psycopg.Connection
) -> None:
    project = "图" * 341
    id_ = enqueue(producer, **{**FAILED, "project_id": project, "error_message": "镜" * 600})
    query = urlencode({"state": "failed", "project": project, "text": "镜" * 500})
    page = Document(browser.submit(browser.see(f"/retry?{query}").form("/retry")).text)
    assert "1 panel waits for another attempt." in page.text
    assert status(producer, id_) == "pending"


def test_retry_of_a_cause(browser: Browser, producer: psycopg.Connection) -> None:
    ids = [enqueue(producer, **FAILED) for _ in range(3)]
    other = enqueue(producer, **{**FAILED, "error_code": "source_expired"})
    [link] = [href for href in browser.see("/").hrefs("/retry") if "source_timeout" in href]
    confirmation = browser.see(link)
    assert "This puts 3 failed panels back into the queue." in confirmation.text
    assert [status(producer, id_) for id_ in ids] == ["failed"] * 3, "a link changes nothing"
    page = Document(browser.submit(confirmation.form("/retry")).text)
    assert "3 panels wait for another attempt." in page.text
    assert not [href for href in page.hrefs("/retry") if "source_timeout" in href], "not failed now"
    assert [status(producer, id_) for id_ in ids] == ["pending"] * 3
    assert status(producer, other) == "failed"


def test_retry_of_a_filter(browser: Browser, producer: psycopg.Connection) -> None:
    mine = enqueue(producer, project_id="tale", **FAILED)
    other = enqueue(producer, project_id="other", **FAILED)
    [link] = browser.see("/?state=failed&project=tale").hrefs("/retry")
    browser.submit(browser.see(link).form("/retry"))
    assert (status(producer, mine), status(producer, other)) == ("pending", "failed")


def test_a_long_retry_goes_on_press_by_press(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, producer: psycopg.Connection
) -> None:
    monkeypatch.setattr(reads, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(board_parts, "RETRIED_AT_ONCE", 2)
    browser = Browser(serve(board_token=TOKEN).port).sign_in()
    ids = [enqueue(producer, **FAILED) for _ in range(5)]
    page = browser.see("/retry?state=failed")
    told = []
    while any(form.action.startswith("/retry?") for form in page.forms):
        page = Document(browser.submit(page.form("/retry")).text)
        told.append(sum(status(producer, id_) == "pending" for id_ in ids))
        assert f"{told[-1]} panels wait" in page.text
    assert told == [2, 4, 5]


def test_a_retry_that_fits_no_panel_asks_for_nothing(browser: Browser) -> None:
    page = browser.see("/retry?state=failed&project=none")
    assert "No failed panel fits." in page.text
    assert [form.action for form in page.forms] == ["/logout"]


def test_process_now(browser: Browser, producer: psycopg.Connection, origin: Origin) -> None:
    id_ = enqueue_panel(producer, origin)
    form = browser.see(f"/panels/{id_}").form(f"/panels/{id_}/process")
    browser.submit(form)
    eventually(lambda: status(producer, id_) == "ready")
    assert "Ready" in browser.see(f"/panels/{id_}").text


def test_process_now_does_not_wait_for_a_slow_source(
    browser: Browser, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Hang(release)])
    form = browser.see(f"/panels/{id_}").form(f"/panels/{id_}/process")
    page = Document(browser.submit(form).text)
    assert "The panel is being processed." in page.text
    assert status(producer, id_) == "processing"
    release.set()
    eventually(lambda: status(producer, id_) == "ready")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (READY, "The panel was ready already, so nothing was done."),
        (PROCESSING, "A worker is processing the panel already."),
    ],
)
def test_process_now_tells_that_nothing_was_attempted(
    browser: Browser, producer: psycopg.Connection, columns: dict[str, Any], told: str
) -> None:
    """A page that is out of date still has the button."""
    id_ = enqueue(producer)
    form = browser.see(f"/panels/{id_}").form(f"/panels/{id_}/process")
    now = {"claimed_at": moment(producer), "lease_expires_at": moment(producer, 60)}
    producer.execute("DELETE FROM storyboards WHERE id = %s", [id_])
    enqueue(producer, id=id_, **{**columns, **(now if columns is PROCESSING else {})})
    before = storyboard(producer, id_)
    assert told in Document(browser.submit(form).text).text
    assert storyboard(producer, id_) == before


def test_process_now_tells_that_it_was_broken_off(
    browser: Browser, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise DatabaseUnavailable("away")

    id_ = enqueue(producer)
    form = browser.see(f"/panels/{id_}").form(f"/panels/{id_}/process")
    monkeypatch.setattr(Foreground, "process", break_off)
    page = Document(browser.submit(form).text)
    assert "An error of the worker or its database stopped this." in page.text
    assert "The attempt is over." not in page.text


def test_process_now_of_a_panel_that_is_gone(
    browser: Browser, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    form = browser.see(f"/panels/{id_}").form(f"/panels/{id_}/process")
    producer.execute("DELETE FROM storyboards WHERE id = %s", [id_])
    reply = browser.submit(form)
    assert reply.status == 404
    assert "There is no such panel." in Document(reply.text).text


def retry(port: int, id_: object, token: str | None, **headers: str) -> Reply:
    path = f"/api/storyboards/{id_}/retry"
    return call(port, path, "POST", token=token, headers=headers)


def test_the_route_of_programs(board: Served, producer: psycopg.Connection) -> None:
    id_ = enqueue(producer, **FAILED)
    for token in (None, "wrong", SECRET):
        assert retry(board.port, id_, token).status == 401
    assert status(producer, id_) == "failed"
    reply = retry(board.port, id_, TOKEN)
    assert (reply.status, reply.json["id"], reply.json["status"]) == (200, str(id_), "pending")
    assert retry(board.port, uuid4(), TOKEN).status == 404
    assert retry(board.port, "nonsense", TOKEN).status == 404


@pytest.mark.parametrize("columns", [READY, PROCESSING, {}])
def test_the_route_leaves_a_row_that_has_not_failed(
    board: Served, producer: psycopg.Connection, columns: dict[str, Any]
) -> None:
    id_ = enqueue(producer, **columns)
    before = storyboard(producer, id_)
    reply = retry(board.port, id_, TOKEN)
    assert (reply.status, reply.json["status"]) == (200, before["status"])
    assert storyboard(producer, id_) == before


@pytest.mark.parametrize(
    ("headers", "answered"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_the_route_with_the_cookie(
    browser: Browser, producer: psycopg.Connection, headers: dict[str, str], answered: int
) -> None:
    id_ = enqueue(producer, **FAILED)
    [(name, value)] = browser.cookies.items()
    reply = retry(browser.port, id_, None, Cookie=f"{name}={value}", **headers)
    assert reply.status == answered
    assert status(producer, id_) == ("pending" if answered == 200 else "failed")
