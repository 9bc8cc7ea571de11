"""How long an idle worker may sleep."""

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.throttle import SHARE
from tests.support.clock import Clock
from tests.support.producing import FAILED, PROCESSING, READY, enqueue, moment


@pytest.fixture
def next_due(database: Database) -> NextDue:
    return NextDue(database)


def test_the_next_row_that_waits(next_due: NextDue, producer: psycopg.Connection) -> None:
    for seconds in (500, 100, 900):
        enqueue(producer, available_at=moment(producer, seconds))
    next_due.refresh()
    assert next_due.seconds_until_due == pytest.approx(100, abs=10)


def test_nothing_waits(next_due: NextDue) -> None:
    next_due.refresh()
    assert next_due.seconds_until_due is None


def test_rows_that_do_not_wait_do_not_count(
    next_due: NextDue, producer: psycopg.Connection
) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=moment(producer, -5))
    enqueue(producer, available_at=later, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state, available_at=later)
    assert next_due.anything_due()
    assert next_due.seconds_until_due is None


def test_nothing_is_due(next_due: NextDue, producer: psycopg.Connection) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=later)
    enqueue(producer, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state)
    assert not next_due.anything_due()
    assert next_due.seconds_until_due == pytest.approx(100, abs=10)


def test_what_fell_due_since_the_last_look_counts_once(
    database: Database, clock: Clock, producer: psycopg.Connection
) -> None:
    """It may have become due after the claim. A second claim shows whether it can be had."""
    next_due = NextDue(database, clock)
    enqueue(producer, available_at=moment(producer, -5))
    next_due.refresh()
    assert next_due.seconds_until_due is None
    enqueue(producer)
    enqueue(producer, available_at=moment(producer, 100))
    next_due.refresh()
    assert next_due.seconds_until_due == 0
    next_due.refresh()
    assert next_due.seconds_until_due == pytest.approx(100, abs=10)


@pytest.fixture
def slow(database: Database, clock: Clock) -> NextDue:
    """It has just looked, which took a second. Nothing waits."""
    next_due = NextDue(database, clock)
    next_due.refresh()
    next_due._looks.spent(1.0)
    return next_due


def test_a_slow_look_is_not_repeated_for_a_while(
    slow: NextDue, clock: Clock, producer: psycopg.Connection
) -> None:
    enqueue(producer, available_at=moment(producer, 5))
    slow.refresh()
    assert slow.seconds_until_due == pytest.approx(1.0 * SHARE)
    clock.now += 1.0 * SHARE
    slow.refresh()
    assert slow.seconds_until_due == pytest.approx(5, abs=3)


def test_a_row_known_to_wait_is_not_waited_for_longer(
    slow: NextDue, clock: Clock, producer: psycopg.Connection
) -> None:
    clock.now += 1.0 * SHARE
    enqueue(producer, available_at=moment(producer, 500))
    slow.refresh()
    slow._looks.spent(1.0)
    slow.refresh()
    assert slow.seconds_until_due == pytest.approx(1.0 * SHARE)


def test_a_slow_look_that_saw_nothing_is_no_reason_to_look_again(slow: NextDue) -> None:
    assert slow.seconds_until_due is None


def test_a_row_that_falls_due_is_named_once_without_another_look(
    slow: NextDue, clock: Clock, producer: psycopg.Connection
) -> None:
    clock.now += 1.0 * SHARE
    enqueue(producer, available_at=moment(producer, 10))
    slow.refresh()
    clock.now += 11
    assert slow.seconds_until_due == 0
    slow._looks.spent(1.0)
    slow.refresh()
    assert slow.seconds_until_due == pytest.approx(1.0 * SHARE)
