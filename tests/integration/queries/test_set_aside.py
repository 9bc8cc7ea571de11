"""Rows with which a claim fails are set aside. The other rows show whether they are to blame."""

from uuid import UUID

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.errors import DataRefused
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import SetAside
from tests.support.producing import enqueue, storyboard

# The trigger stays.
pytestmark = pytest.mark.database("own")

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {}; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
    WHEN (NEW.project_id = 'bad' AND NEW.status = 'processing') EXECUTE FUNCTION refuse();
"""
RAISE = "RAISE EXCEPTION 'not this one'"


@pytest.fixture
def heard() -> list[SetAside]:
    return []


@pytest.fixture
def queue(database: Database, heard: list[SetAside]) -> StoryboardQueue:
    return StoryboardQueue(
        database, worker_id="worker-1", lease_seconds=60, on_set_aside=heard.append
    )


def enqueue_bad(producer: psycopg.Connection, count: int) -> list[UUID]:
    """Rows that are refused, in front of all other rows."""
    with producer.transaction():
        return [enqueue(producer, project_id="bad", priority=9) for _ in range(count)]


@pytest.mark.parametrize(
    "refusal", [RAISE, "PERFORM 1 / 0", "PERFORM 2147483647 + 1", "ASSERT false"]
)
def test_a_refused_row_is_set_aside(
    queue: StoryboardQueue, producer: psycopg.Connection, heard: list[SetAside], refusal: str
) -> None:
    producer.execute(REFUSE.format(refusal).encode())
    [bad] = enqueue_bad(producer, 1)
    # A few among many are to blame. If there are more, the cause may be a quota.
    good = {enqueue(producer) for _ in range(5)}
    assert {claim.id for claim in queue.claim(6)} == good
    assert [row.id for row in heard] == [bad]
    row = storyboard(producer, bad)
    assert (row["status"], row["error_code"], row["attempts"]) == ("failed", "unexpected", 0)


def test_more_bad_rows_than_a_batch_do_not_hide_the_good_ones(
    queue: StoryboardQueue, producer: psycopg.Connection, heard: list[SetAside]
) -> None:
    producer.execute(REFUSE.format(RAISE).encode())
    bad = enqueue_bad(producer, 120)
    good = enqueue(producer)
    assert [claim.id for claim in queue.claim(5)] == [good]
    assert {row.id for row in heard} == set(bad)


def test_when_all_are_refused_the_rows_are_not_to_blame(
    queue: StoryboardQueue, producer: psycopg.Connection, heard: list[SetAside]
) -> None:
    producer.execute(REFUSE.format(RAISE).encode())
    enqueue_bad(producer, 60)
    with pytest.raises(DataRefused, match="not this one"):
        queue.claim(5)
    assert heard == []
    assert producer.execute("SELECT DISTINCT status FROM storyboards").fetchall() == [("pending",)]
    good = enqueue(producer)
    assert [claim.id for claim in queue.claim(5)] == [good]
    assert len(heard) == 60
