"""How long an idle worker may sleep."""

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.outlook import Outlook
from storyboard_worker.queries.thrift import REMEMBERED, SHARE
from tests.integration.producing import FAILED, PROCESSING, READY, enqueue, moment
from tests.unit.clock import Clock


@pytest.fixture
def outlook(database: Database) -> Outlook:
    return Outlook(database)


def test_the_next_row_that_waits(outlook: Outlook, producer: psycopg.Connection) -> None:
    for seconds in (500, 100, 900):
        enqueue(producer, available_at=moment(producer, seconds))
    outlook.refresh()
    assert outlook.seconds_until_due == pytest.approx(100, abs=10)


def test_nothing_waits(outlook: Outlook) -> None:
    outlook.refresh()
    assert outlook.seconds_until_due is None


def test_rows_that_do_not_wait_do_not_count(outlook: Outlook, producer: psycopg.Connection) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=moment(producer, -5))
    enqueue(producer, available_at=later, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state, available_at=later)
    assert outlook.anything_due()
    assert outlook.seconds_until_due is None


def test_nothing_is_due(outlook: Outlook, producer: psycopg.Connection) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=later)
    enqueue(producer, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state)
    assert not outlook.anything_due()
    assert outlook.seconds_until_due == pytest.approx(100, abs=10)


def test_a_look_that_has_become_slow_is_spared(
    database: Database, producer: psycopg.Connection
) -> None:
    """It reads all that waits; meanwhile what was seen last is believed."""
    clock = Clock()
    outlook = Outlook(database, clock)
    outlook.refresh()
    for _ in range(REMEMBERED):
        outlook._looks.spent(1.0)
    enqueue(producer, available_at=moment(producer, 5))
    outlook.refresh()
    assert outlook.seconds_until_due == pytest.approx(1.0 * SHARE)
    clock.now += 1.0 * SHARE
    outlook.refresh()
    assert outlook.seconds_until_due == pytest.approx(5, abs=3)
