"""Cloudinary refuses, limits or breaks for a while, under load: told once when it begins and once
when it is over, few requests while it lasts, no attempt lost, and full recovery.

TROUBLE_SECONDS=90 makes it last so long, with the pauses as they are; by default all of it is
shorter.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, statuses

CONCURRENCY = 8
# All slots at its beginning, five failures, and the rows claimed along with these.
MOST_UNDER_WAY = 2 * CONCURRENCY + 5
REAL_SECONDS = float(os.environ.get("TROUBLE_SECONDS", "0"))
TROUBLE_SECONDS = REAL_SECONDS or 4.0
# Longer than the pauses that the worker chooses itself, to be told apart from them.
RETRY_AFTER_SECONDS = 75 if REAL_SECONDS else 3
# A round of probes after each pause, and now and then a row that has just arrived.
MOST_PROBES = 30
RECOVERY_SECONDS = 120.0
SHORT = """
from storyboard_worker.attempts import breaker
from storyboard_worker.attempts import breakers
from storyboard_worker.attempts import policy
policy.BLAMELESS_PAUSE_SECONDS = 0.7
policy.BACKOFF_BASE_SECONDS = 0.2
breakers.LASTING_SECONDS = 1.0
breaker.FIRST_PAUSE_SECONDS = 0.7
"""

pytestmark = pytest.mark.timeout(TROUBLE_SECONDS + 2 * RECOVERY_SECONDS)


@dataclass(frozen=True)
class Trouble:
    """A trouble of Cloudinary, and how many requests it may see.

    ``bursts``: how often all slots may ask, because a rate limit ends for all rows at once.
    ``silent_seconds``: how long no request is made after the trouble has begun.
    """

    begin: Callable[[Cloudinary], None]
    code: str
    bursts: int = 1
    silent_seconds: float = 0.0
    uses_attempts: bool = False


def wrong_secret(cloudinary: Cloudinary) -> None:
    cloudinary.api_secret = f"rotated-{cloudinary.api_secret}"


def page_502(cloudinary: Cloudinary) -> None:
    cloudinary.misbehave(Answer(502, "<html>Bad Gateway</html>"), times=None)


def limit_420(cloudinary: Cloudinary) -> None:
    cloudinary.misbehave(Answer(420, {"error": {"message": "Rate Limited"}}), times=None)


def limit_420_that_says_until_when(cloudinary: Cloudinary) -> None:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    answer = Answer(420, {"error": {"message": "Rate Limited"}}, headers)
    cloudinary.misbehave(answer, times=None)


def all_is_well_again(cloudinary: Cloudinary) -> None:
    cloudinary.clear_faults()
    cloudinary.api_secret = cloudinary.api_secret.removeprefix("rotated-")


TROUBLES = [
    Trouble(wrong_secret, "storage_unauthorized"),
    Trouble(page_502, "storage_unavailable", uses_attempts=True),
    Trouble(limit_420, "storage_rate_limited", bursts=5),
    Trouble(
        limit_420_that_says_until_when,
        "storage_rate_limited",
        bursts=2,
        silent_seconds=RETRY_AFTER_SECONDS,
    ),
]


@contextmanager
def load(producer: psycopg.Connection, origin: Origin) -> Iterator[None]:
    """Adds rows all the time."""
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


def requests_since(cloudinary: Cloudinary, moment: float) -> list[float]:
    """The arrivals of the requests since ``moment``."""
    arrivals = [request.arrived_at for request in cloudinary.requests]
    return [arrived_at for arrived_at in arrivals if arrived_at >= moment]


def assert_told(trouble: Trouble, begin: dict[str, Any], end: dict[str, Any]) -> None:
    """Check the event of its beginning and that of its end."""
    assert (begin["level"], end["level"]) == ("warning", "info")
    assert "(over after " in end["message"]
    for event in (begin, end):
        assert event["fingerprint"] == ["storyboard-worker", trouble.code, "cloudinary"]
        assert event["tags"]["error_code"] == trouble.code
        assert event["tags"]["upstream"] == "cloudinary"


def assert_repeated(trouble: Trouble, failures: int, asked: int) -> None:
    """Check how many attempts have failed, beside how many requests were made."""
    if trouble.uses_attempts:
        # Some more probes may have begun while the trouble ended.
        assert 5 <= failures <= asked + 3
    else:
        assert failures == 0


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.begin.__name__)
def test_a_trouble_of_cloudinary(
    trouble: Trouble,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    worker = start_worker(
        "" if REAL_SECONDS else SHORT,
        SENTRY_DSN=sentry.dsn,
        WORKER_CONCURRENCY=str(CONCURRENCY),
    )
    with load(producer, origin):
        eventually(lambda: statuses(producer).get("ready", 0) >= 8)
        began_at = time.monotonic()
        trouble.begin(cloudinary)
        worker.wait_for_log("upstream paused", timeout_seconds=TROUBLE_SECONDS + 30)
        eventually(lambda: sentry.events)
        # The test is about how long the trouble lasts.
        time.sleep(max(0.0, began_at + TROUBLE_SECONDS - time.monotonic()))
        eventually(lambda: statuses(producer).get("pending", 0) > CONCURRENCY)
        [begin] = sentry.events
        asked = requests_since(cloudinary, began_at)
        all_is_well_again(cloudinary)
    eventually(lambda: set(statuses(producer)) == {"ready"}, timeout_seconds=RECOVERY_SECONDS)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0

    assert len(asked) < MOST_UNDER_WAY * trouble.bursts + MOST_PROBES
    first, *others = asked
    silence_ends_at = first + trouble.silent_seconds
    # Requests that were under way at the first refusal are answered within a second.
    assert [at for at in others if first + 1 < at < silence_ends_at] == []

    # Its last event has been sent by now, and there was no other event.
    [end] = [event for event in sentry.events if event["event_id"] != begin["event_id"]]
    assert_told(trouble, begin, end)

    failures = len(worker.logged("storyboard retried"))
    assert sum(row["attempts"] - 1 for row in all_rows(producer)) == failures
    assert_repeated(trouble, failures, len(asked))
