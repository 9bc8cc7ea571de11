"""How long an idle worker may sleep."""

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.producing import FAILED, PROCESSING, READY, enqueue, moment


def test_the_next_row_that_waits(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    for seconds in (500, 100, 900):
        enqueue(producer, available_at=moment(producer, seconds))
    assert queue.seconds_until_due() == pytest.approx(100, abs=10)


def test_nothing_waits(queue: StoryboardQueue) -> None:
    assert queue.seconds_until_due() is None


def test_rows_that_do_not_wait_do_not_count(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=moment(producer, -5))
    enqueue(producer, available_at=later, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state, available_at=later)
    assert queue.seconds_until_due() is None
