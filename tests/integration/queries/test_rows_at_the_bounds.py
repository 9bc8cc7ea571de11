"""Every statement handles all values that the table accepts, so an odd row spoils nothing."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.alarms import AlarmRegister
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.failures import Failures
from storyboard_worker.queries.next_due import NextDue
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from tests.integration.queries.working import EVENT_ID, IMAGE, TIMEOUT, claim_any, claim_new, lapse
from tests.support.producing import FAILED, PROCESSING, READY, enqueue, storyboard

MOST = 1_000_000_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
EDGES = [EARLIEST, LATEST]


def attempts(producer: psycopg.Connection, claim_id: object) -> int:
    row = producer.execute("SELECT attempts FROM storyboards WHERE id = %s", [claim_id]).fetchone()
    assert row is not None
    return int(row[0])


def test_a_claim_takes_the_row_at_the_bound_along_with_the_others(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    at_the_bound = enqueue(producer, attempts=MOST, priority=32767, available_at=EARLIEST)
    below = enqueue(producer, attempts=MOST - 1, max_attempts=MOST)
    other = enqueue(producer, priority=-32768, source_expires_at=LATEST)
    claims = {claim.id: claim.attempt for claim in claim_any(queue, 10)}
    assert claims == {at_the_bound: MOST, below: MOST, other: 1}


def test_each_end_of_a_claim_handles_the_bound(
    queue: StoryboardQueue, producer: psycopg.Connection, upkeep: Upkeep
) -> None:
    retried, released, given_back, failed, completed, lost = (
        claim_new(queue, producer, attempts=MOST, max_attempts=MOST) for _ in range(6)
    )
    queue.retry(retried, TIMEOUT, delay_seconds=0.0)
    queue.release(released, TIMEOUT, delay_seconds=0.0)
    queue.give_back([given_back])
    queue.fail(failed, TIMEOUT, sentry_event_id=EVENT_ID)
    queue.complete(completed, IMAGE)
    lapse(producer, lost.id)
    assert [row.id for row in upkeep.rescue()] == [lost.id]
    counted = {claim.id: attempts(producer, claim.id) for claim in (retried, failed, lost)}
    assert set(counted.values()) == {MOST}
    assert attempts(producer, released.id) == attempts(producer, given_back.id) == MOST - 1


@pytest.mark.parametrize("attempts", [MOST - 1, MOST])
def test_only_a_claim_stops_counting_there(producer: psycopg.Connection, attempts: int) -> None:
    storyboard_id = enqueue(producer, attempts=attempts)
    with pytest.raises(psycopg.errors.CheckViolation, match="storyboards_bounds_check"):
        producer.execute(
            "UPDATE storyboards SET attempts = %s WHERE id = %s", [MOST + 1, storyboard_id]
        )


@pytest.mark.parametrize("edge", EDGES)
def test_every_look_handles_moments_at_the_bounds(
    producer: psycopg.Connection, database: Database, edge: datetime
) -> None:
    states = [
        {"available_at": edge, "source_expires_at": LATEST, "created_at": edge},
        {"available_at": EARLIEST, "source_expires_at": edge, "updated_at": edge},
        {**PROCESSING, "claimed_at": edge, "lease_expires_at": edge},
        {**READY, "finished_at": edge},
        {**FAILED, "errored_at": edge},
    ]
    ids = [enqueue(producer, **state) for state in states]
    producer.execute(
        "INSERT INTO storyboard_workers (worker_id, hostname, pid, version, concurrency, "
        "started_at, last_seen_at) VALUES ('w', 'h', 1, '1', 1, %s, %s)",
        [edge, LATEST],
    )
    rows = StoryboardRows(database)
    assert len(rows.newest()) == len(ids)
    assert all(rows.get(storyboard_id) for storyboard_id in ids)
    assert StoryboardCounts(database).read().waiting == 2
    assert [cause.last for cause in Failures(database).by_cause(FailedFilter())] == [edge]
    assert AlarmRegister(database).look().seconds_since_activity is not None
    assert len(WorkerRegister(database, lease_seconds=60).alive()) == 1
    assert NextDue(database).anything_due()


@pytest.mark.parametrize("edge", EDGES)
def test_upkeep_and_claims_handle_moments_at_the_bounds(
    producer: psycopg.Connection, queue: StoryboardQueue, upkeep: Upkeep, edge: datetime
) -> None:
    waiting = enqueue(producer, available_at=EARLIEST, source_expires_at=edge)
    held = enqueue(producer, **{**PROCESSING, "claimed_at": edge, "lease_expires_at": edge})
    is_past = edge == EARLIEST
    assert [row.id for row in upkeep.expire()] == ([waiting] if is_past else [])
    assert [row.id for row in upkeep.rescue()] == ([held] if is_past else [])
    assert {claim.id for claim in claim_any(queue, 10)} == {held if is_past else waiting}
    assert storyboard(producer, waiting)["status"] == ("failed" if is_past else "processing")
