"""Cloudinary refuses, limits or breaks for a while, under load: told once when it begins and once
when it is over, few requests meanwhile, no attempt lost, and full recovery.

TROUBLE_SECONDS=60 makes it last a real minute, with the pauses as they are; by default all of it
is shorter.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.acceptance.panels import all_rows, enqueue_panels
from tests.acceptance.running_worker import StartWorker
from tests.acceptance.waiting import eventually, statuses
from tests.integration.sentry_server import SentryServer

CONCURRENCY = 8
REAL_SECONDS = float(os.environ.get("TROUBLE_SECONDS", "0"))
TROUBLE_SECONDS = REAL_SECONDS or 3.0
PAUSE_SECONDS = 30.0 if REAL_SECONDS else 0.7
RECOVERY_SECONDS = 120.0
SHORT = """
from storyboard_worker import pauses, policy
policy.BLAMELESS_PAUSE_SECONDS = 0.7
policy.BACKOFF_BASE_SECONDS = 0.2
defaults = pauses._Trouble.__init__.__defaults__
pauses._Trouble.__init__.__defaults__ = tuple(
    0.7 if value == pauses.FIRST_PAUSE_SECONDS else value for value in defaults
)
"""

pytestmark = pytest.mark.timeout(TROUBLE_SECONDS + RECOVERY_SECONDS + 60)

Trouble = Callable[[Cloudinary], None]


def wrong_secret(cloudinary: Cloudinary) -> None:
    cloudinary.api_secret = f"rotated-{cloudinary.api_secret}"


def page_502(cloudinary: Cloudinary) -> None:
    cloudinary.misbehave(Answer(502, "<html>Bad Gateway</html>"), times=None)


def limit_420(cloudinary: Cloudinary) -> None:
    cloudinary.misbehave(Answer(420, {"error": {"message": "Rate Limited"}}), times=None)


def all_is_well_again(cloudinary: Cloudinary) -> None:
    cloudinary.clear_faults()
    cloudinary.api_secret = cloudinary.api_secret.removeprefix("rotated-")


@contextmanager
def load(producer: psycopg.Connection, origin: Origin) -> Iterator[None]:
    """Rows come in all the time."""
    over = threading.Event()

    def insert() -> None:
        for number in count():
            enqueue_panels(producer, origin, 4, prefix=f"load-{number}")
            if over.wait(0.2):
                return

    thread = threading.Thread(target=insert)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def told(sentry: SentryServer) -> list[dict[str, Any]]:
    return [event for event in sentry.events if event["tags"].get("upstream") == "cloudinary"]


@pytest.mark.parametrize(
    ("trouble", "code", "uses_attempts"),
    [
        (wrong_secret, "storage_unauthorized", False),
        (page_502, "storage_unavailable", True),
        (limit_420, "storage_rate_limited", False),
    ],
)
def test_a_trouble_of_cloudinary(
    trouble: Trouble,
    code: str,
    uses_attempts: bool,  # noqa: FBT001  pytest passes parameters by name
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    start_worker(
        "" if REAL_SECONDS else SHORT,
        SENTRY_DSN=sentry.dsn,
        WORKER_CONCURRENCY=str(CONCURRENCY),
    )
    with load(producer, origin):
        eventually(lambda: statuses(producer).get("ready", 0) >= 8)
        asked_before = len(cloudinary.requests)
        trouble(cloudinary)
        time.sleep(TROUBLE_SECONDS)  # how long the trouble lasts is what the test is about
        asked = len(cloudinary.requests) - asked_before
        all_is_well_again(cloudinary)
    eventually(lambda: set(statuses(producer)) == {"ready"}, timeout_seconds=RECOVERY_SECONDS)
    eventually(lambda: len(told(sentry)) >= 2)

    # What was under way when it began, before and after five failures; one at each pause's end.
    probes = TROUBLE_SECONDS / PAUSE_SECONDS + 2
    assert asked <= 2 * CONCURRENCY + 5 + probes
    begin, end = told(sentry)
    assert (begin["level"], end["level"]) == ("warning", "info")
    assert begin["tags"]["error_code"] == end["tags"]["error_code"] == code
    assert begin["fingerprint"] == end["fingerprint"]
    assert "(over after " in end["message"]
    assert [event for event in sentry.events if event["level"] in {"error", "fatal"}] == []
    used = [row["attempts"] - 1 for row in all_rows(producer)]
    assert sum(used) <= (asked if uses_attempts else 0)
    assert any(used) == uses_attempts
