"""Bytes that a source sends unasked are not taken for another row's picture."""

import hashlib
import threading
from contextlib import suppress

import psycopg
import pytest

from storyboard_worker.demo.pictures import random_image
from tests.support.panels import all_rows
from tests.support.producing import enqueue
from tests.support.running_worker import StartWorker
from tests.support.scripted_server import Peer, ScriptedServer, answer
from tests.support.waiting import eventually

PATIENCE_SECONDS = 20.0
FIRST, SECOND, UNASKED = (random_image(20_000, "JPEG", seed=seed) for seed in range(3))


@pytest.mark.parametrize(
    "first",
    [answer(FIRST), b"HTTP/1.1 204 No Content\r\n\r\n"],
    ids=["after an image", "after an answer without a body"],
)
def test_it_is_not_taken_for_the_next_answer(
    first: bytes, producer: psycopg.Connection, start_worker: StartWorker
) -> None:
    is_answered, has_spoken = threading.Event(), threading.Event()

    def speaking_unasked(peer: Peer) -> None:
        peer.read_head()
        peer.say(first)
        assert is_answered.wait(PATIENCE_SECONDS)
        # A connection that is closed, as it should be, does not fail this script.
        with suppress(ConnectionError):
            peer.say(answer(UNASKED))
            has_spoken.set()
            if peer.read_head():
                peer.say(answer(SECOND))
        has_spoken.set()

    def saying_second(peer: Peer) -> None:
        if peer.read_head():
            peer.say(answer(SECOND))

    with ScriptedServer(speaking_unasked, saying_second) as server:
        # With one slot, both rows would use the same connection.
        worker = start_worker(WORKER_CONCURRENCY="1")
        enqueue(producer, server.url("/first.jpg"), max_attempts=1)
        eventually(lambda: all_rows(producer)[0]["status"] in {"ready", "failed"})
        is_answered.set()
        assert has_spoken.wait(PATIENCE_SECONDS)
        enqueue(producer, server.url("/second.jpg"))
        eventually(lambda: all_rows(producer)[1]["status"] == "ready")
        worker.stop_for_good()
    etag = all_rows(producer)[1]["etag"]
    assert etag == hashlib.md5(SECOND, usedforsecurity=False).hexdigest()
