"""The cron route: who may call it, and what a pass within a request does."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from tests.integration.web.served import CRON, SECRET, Serve, Served
from tests.support.board_browser import TOKEN
from tests.support.http_client import call
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.producing import FAILED, PROCESSING, enqueue, storyboard
from tests.support.tallies import ENDS, FIELDS
from tests.support.waiting import eventually, statuses


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pass(served: Served, producer: psycopg.Connection, origin: Origin, method: str) -> None:
    enqueue_panels(producer, origin, 3)
    enqueue_panel(producer, origin, "missing.jpg", [Answer(410)])
    enqueue_panel(producer, origin, "lapsed.jpg", **PROCESSING)
    enqueue(producer, **FAILED)

    reply = served.cron(method=method)

    assert reply.status == 200
    tally = reply.json
    assert tally.keys() == FIELDS
    assert tally["processed"] == sum(tally[end] for end in ENDS)
    assert (tally["rescued"], tally["ready"], tally["failed"]) == (1, 4, 1)
    assert tally["complete"] is True
    assert statuses(producer) == {"ready": 4, "failed": 2}


@pytest.mark.parametrize("token", [SECRET, TOKEN])
def test_head_does_nothing(
    serve: Serve, producer: psycopg.Connection, origin: Origin, token: str
) -> None:
    """Monitors and link previews ask with HEAD."""
    served = serve(board_token=TOKEN)
    due, failed = enqueue_panel(producer, origin, "due.jpg"), enqueue(producer, **FAILED)
    before = [storyboard(producer, id_) for id_ in (due, failed)]
    for path in (
        CRON,
        f"/api/storyboards/{due}/process",
        f"/api/storyboards/{failed}/retry",
        f"/panels/{due}/process",
        f"/panels/{failed}/retry",
    ):
        reply = served.get(path, method="HEAD", token=token)
        assert (reply.status, reply.text) == (405, ""), path
        assert "HEAD" not in reply.headers["allow"]
    assert [storyboard(producer, id_) for id_ in (due, failed)] == before


def test_without_a_secret_there_is_no_such_route(serve: Serve) -> None:
    served = serve(cron_secret=None)
    for token in (None, "", SECRET):
        assert served.cron(token=token).status == 404
        assert served.process("5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a", token).status == 404


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        SECRET,
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        "Bearer s\xe9cret",
    ],
)
def test_a_wrong_secret_is_refused(
    served: Served, producer: psycopg.Connection, origin: Origin, given: str | None
) -> None:
    id_ = enqueue_panel(producer, origin)
    headers = {} if given is None else {"Authorization": given}
    for path, method in ((CRON, "GET"), (f"/api/storyboards/{id_}/process", "POST")):
        reply = call(served.port, path, method, headers=headers)
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
    assert statuses(producer) == {"pending": 1}


def test_the_schemes_case_does_not_matter(served: Served) -> None:
    headers = {"Authorization": f"bearer {SECRET}"}
    assert call(served.port, CRON, headers=headers).status == 200


def test_a_secret_beyond_ascii(serve: Serve) -> None:
    served = serve(cron_secret="s\xe9cret")
    as_sent = "Bearer s\xe9cret".encode().decode("latin-1")
    assert call(served.port, CRON, headers={"Authorization": as_sent}).status == 200


@pytest.mark.parametrize("wrong", ["0", "0.5", "241", "-3", "soon", "nan", "inf", ""])
def test_a_time_out_of_bounds_is_refused(served: Served, wrong: str) -> None:
    reply = served.cron(f"?max_seconds={wrong}")
    assert reply.status == 400
    assert reply.json == {"error": "max_seconds must be a number from 1 to 240"}


def test_two_passes_at_once_are_refused_and_the_time_is_kept(
    served: Served, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Hang(release)])
    began_at = time.monotonic()
    with ThreadPoolExecutor(1) as client:
        first = client.submit(served.cron, "?max_seconds=4")
        origin.wait_for_requests(1)
        second = served.cron()
        assert second.status == 409
        assert second.json == {"error": "a pass is under way"}
        assert 1 <= int(second.headers["retry-after"]) <= 4
        tally = first.result().json
    assert time.monotonic() - began_at < 4 + 10
    assert (tally["released"], tally["complete"]) == (1, False)
    assert storyboard(producer, id_)["status"] == "pending"
    assert served.cron("?max_seconds=1").status == 200


def test_a_stop_ends_a_pass_early_and_none_begins_after_it(
    served: Served, producer: psycopg.Connection, origin: Origin, release: threading.Event
) -> None:
    id_ = enqueue_panel(producer, origin, faults=[Hang(release)])
    with ThreadPoolExecutor(1) as client:
        first = client.submit(served.cron, "?max_seconds=200")
        origin.wait_for_requests(1)
        served.shutdown.request()
        refused = served.cron()
        assert (refused.status, refused.json) == (503, {"error": "this worker is stopping"})
        assert int(refused.headers["retry-after"]) > 0
        assert served.process(id_).status == 503
        assert served.get("/healthz").status == 200
        assert first.result().json["released"] == 1
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, None)


def test_passes_leave_nothing_behind(
    served: Served, producer: psycopg.Connection, origin: Origin
) -> None:
    """A worker lives for weeks, and a pass comes every few minutes."""
    callbacks = len(served.shutdown._callbacks)

    def threads() -> set[str]:
        return {thread.name for thread in threading.enumerate() if "slot" in thread.name}

    before = threads()
    for number in range(3):
        enqueue_panels(producer, origin, 4, prefix=f"pass-{number}")
        assert served.cron().json["ready"] == 4
    assert len(served.shutdown._callbacks) == callbacks
    eventually(lambda: threads() <= before)
