"""One statement extends leases, by token."""

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import claim_new, lapse, seconds_from_now
from tests.support.producing import change, delete, storyboard
from tests.support.watching import count


def test_it_extends_the_lease_and_nothing_else(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    change(producer, claim.id, lease_expires_at=storyboard(producer, claim.id)["claimed_at"])
    before = storyboard(producer, claim.id)
    assert queue.renew([claim]) == []
    row = storyboard(producer, claim.id)
    renewed = ("lease_expires_at", "updated_at")
    assert row == {**before, **{name: row[name] for name in renewed}}
    assert (row["lease_expires_at"] - row["updated_at"]).total_seconds() == 60
    assert row["lease_expires_at"] > before["lease_expires_at"]


def test_it_returns_those_that_are_lost(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    held, regenerated, deleted = (claim_new(queue, producer) for _ in range(3))
    change(producer, regenerated.id, source_url="https://images.example/new.jpeg")
    delete(producer, deleted.id)
    lapse(producer, held.id)
    lost = queue.renew([held, regenerated, deleted])
    assert {claim.id for claim in lost} == {regenerated.id, deleted.id}
    assert seconds_from_now(producer, held.id, "lease_expires_at") > 50


def test_a_row_taken_by_another_worker_is_lost_and_its_lease_not_extended(
    queue: StoryboardQueue, other_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    change(producer, claim.id, status="pending")
    assert other_queue.claim_one(claim.id)
    before = storyboard(producer, claim.id)
    assert queue.renew([claim]) == [claim]
    assert storyboard(producer, claim.id) == before


def test_nothing_to_renew(queue: StoryboardQueue) -> None:
    assert queue.renew([]) == []


def test_a_row_that_a_producer_has_locked_does_not_block_the_others(
    dsn: str, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    held, free = claim_new(queue, producer), claim_new(queue, producer)
    lapse(producer, held.id, free.id)
    with psycopg.connect(dsn) as slow:
        change(slow, held.id, project_id="p")
        # If it waited for the row, it would be given up after the time-out of locks.
        assert queue.renew([held, free]) == []
        assert seconds_from_now(producer, free.id, "lease_expires_at") > 50
        assert seconds_from_now(producer, held.id, "lease_expires_at") < 0
        slow.commit()
    assert queue.renew([held, free]) == []
    assert seconds_from_now(producer, held.id, "lease_expires_at") > 50


def test_no_index_contains_the_renewed_columns(producer: psycopg.Connection) -> None:
    """An update within the page stays cheap in a table of any size."""
    indexed = producer.execute(
        "SELECT DISTINCT attname FROM pg_index JOIN pg_attribute "
        "ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = 'public.storyboards'::regclass"
    ).fetchall()
    names = {name for (name,) in indexed}
    assert "claimed_at" in names
    assert names.isdisjoint({"lease_expires_at", "updated_at"})


@pytest.mark.parametrize("number", [2, 40])
def test_many_at_once(queue: StoryboardQueue, producer: psycopg.Connection, number: int) -> None:
    claims = [claim_new(queue, producer) for _ in range(number)]
    lapse(producer, *(claim.id for claim in claims))
    assert queue.renew(claims) == []
    lapsed = "SELECT count(*) FROM storyboards WHERE lease_expires_at <= now()"
    assert count(producer, lapsed) == 0
