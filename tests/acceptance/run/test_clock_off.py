"""A worker whose clock is two hours off still works right.

Only the clock of the database, the ``Date`` of an answer, and durations count.
"""

import time
from email.utils import formatdate

import psycopg
import pytest

from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.faults import Answer, SourceFault, StoredObject
from storyboard_worker.demo.origin import Origin
from tests.support.panels import all_rows, enqueue_panels
from tests.support.producing import moment
from tests.support.running_worker import StartWorker
from tests.support.waiting import wait_for_statuses

LIMITED_SECONDS = 2
LIMITED, DOWN = 3, 6


class LimitUntil(SourceFault):
    """A 429 that names the moment of its end. The server's own Date goes with every answer."""

    def serve(self, exchange: Exchange, found: StoredObject) -> None:  # noqa: ARG002  the family's signature
        until = formatdate(time.time() + LIMITED_SECONDS, usegmt=True)
        exchange.answer(429, headers={"Retry-After": until})


def clock_off(hours: int) -> str:
    """Python that shifts both ways in which a program asks for the time of day.

    The timestamp of a signature stays right, because Cloudinary refuses one that is an hour old.
    """
    return f"""
import datetime, time
import cloudinary.utils
right = time.time
cloudinary.utils.now = lambda: str(int(right()))
time.time = lambda: right() + {hours} * 3600
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
datetime.datetime = Shifted
from storyboard_worker.attempts import policy
policy.BACKOFF_MAX_SECONDS = 0.2
"""


@pytest.mark.parametrize("hours", [2, -2])
def test_pauses_delays_and_links_are_as_with_a_clock_that_is_right(
    producer: psycopg.Connection,
    origin: Origin,
    down_origin: Origin,
    start_worker: StartWorker,
    hours: int,
) -> None:
    enqueue_panels(producer, down_origin, DOWN, [Answer(503)])
    enqueue_panels(producer, origin, LIMITED, [LimitUntil()])
    an_hour = moment(producer, 3600)
    producer.execute("UPDATE storyboards SET source_expires_at = %s", [an_hour])
    worker = start_worker(clock_off(hours))
    wait_for_statuses(producer, timeout_seconds=12, ready=LIMITED + DOWN)
    rests = [line["again_in_seconds"] for line in worker.logged("storyboard released")]
    assert len(rests) == LIMITED
    assert all(LIMITED_SECONDS - 1 <= seconds <= LIMITED_SECONDS for seconds in rests)
    attempts = {
        upstream.url: [
            row["attempts"] for row in all_rows(producer) if upstream.url in row["source_url"]
        ]
        for upstream in (origin, down_origin)
    }
    assert attempts == {origin.url: [1] * LIMITED, down_origin.url: [2] * DOWN}
