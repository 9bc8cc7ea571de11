"""How long an idle worker may sleep."""

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.outlook import Outlook
from tests.integration.producing import FAILED, PROCESSING, READY, enqueue, moment


@pytest.fixture
def outlook(database: Database) -> Outlook:
    return Outlook(database)


def test_the_next_row_that_waits(outlook: Outlook, producer: psycopg.Connection) -> None:
    for seconds in (500, 100, 900):
        enqueue(producer, available_at=moment(producer, seconds))
    assert outlook.seconds_until_due() == pytest.approx(100, abs=10)


def test_nothing_waits(outlook: Outlook) -> None:
    assert outlook.seconds_until_due() is None


def test_rows_that_do_not_wait_do_not_count(outlook: Outlook, producer: psycopg.Connection) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=moment(producer, -5))
    enqueue(producer, available_at=later, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state, available_at=later)
    assert outlook.seconds_until_due() is None
    assert outlook.anything_due()


def test_nothing_is_due(outlook: Outlook, producer: psycopg.Connection) -> None:
    later = moment(producer, 100)
    enqueue(producer, available_at=later)
    enqueue(producer, source_expires_at=moment(producer, -5))
    for state in (PROCESSING, READY, FAILED):
        enqueue(producer, **state)
    assert not outlook.anything_due()
    assert outlook.seconds_until_due() == pytest.approx(100, abs=10)
