"""Rows whose lease ran out go back to pending, or fail after their last attempt."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.upkeep_statements import LOST_MESSAGE
from storyboard_worker.storyboard import Lapsed, public_id
from tests.integration.queries.working import IMAGE, claim_any, claim_new, lapse
from tests.support.orphans import listed
from tests.support.producing import (
    A_MOMENT,
    CLAIM,
    ERROR,
    FAILED,
    NO_CLAIM,
    PENDING,
    READY,
    URL,
    change,
    enqueue,
    moment,
    storyboard,
)
from tests.support.watching import count

LAPSED: dict[str, Any] = {"status": "processing", "attempts": 3, **CLAIM}


def test_back_to_pending_due_at_once_with_the_attempt_counted(
    upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(
        producer, **LAPSED, **ERROR, available_at=moment(producer, 3600), project_id="p"
    )
    before = storyboard(producer, storyboard_id)
    assert upkeep.rescue() == [
        Lapsed(
            id=storyboard_id,
            source_url=URL,
            project_id="p",
            attempts=3,
            claimed_by="worker-1",
            failed=False,
        )
    ]
    row = storyboard(producer, storyboard_id)
    assert row == {
        **before,
        **NO_CLAIM,
        "status": "pending",
        "own_errors": 1,
        "workers_lost": 1,
        "lost_with": "worker-1",
        "available_at": row["updated_at"],
        "updated_at": row["updated_at"],
    }
    assert row["updated_at"] > before["updated_at"]


def test_failed_when_no_attempt_is_left(upkeep: Upkeep, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **{**LAPSED, "attempts": 8}, **ERROR, max_attempts=8)
    before = storyboard(producer, storyboard_id)
    [lapsed] = upkeep.rescue()
    assert (lapsed.id, lapsed.failed, lapsed.attempts) == (storyboard_id, True, 8)
    row = storyboard(producer, storyboard_id)
    assert row == {
        **before,
        **NO_CLAIM,
        "status": "failed",
        "own_errors": 1,
        "workers_lost": 1,
        "lost_with": "worker-1",
        "available_at": row["available_at"],
        "error_code": "worker_lost",
        "error_message": LOST_MESSAGE,
        "errored_at": row["updated_at"],
        "sentry_event_id": None,
        "finished_at": row["updated_at"],
        "updated_at": row["updated_at"],
    }


@pytest.mark.parametrize(
    ("attempts", "own_errors", "max_attempts", "status"),
    [
        (7, 6, None, "pending"),
        (8, 7, None, "failed"),
        # Most attempts were those of an outage, which do not count.
        (500, 6, None, "pending"),
        (500, 7, None, "failed"),
        # The row's own limit counts all attempts.
        (1, 0, 1, "failed"),
        (2, 0, 3, "pending"),
        (3, 0, 3, "failed"),
        (8, 7, 20, "pending"),
        (20, 0, 20, "failed"),
    ],
)
def test_the_rows_own_limit_or_the_setting(
    upkeep: Upkeep,
    producer: psycopg.Connection,
    attempts: int,
    own_errors: int,
    max_attempts: int | None,
    status: str,
) -> None:
    given = {**LAPSED, "attempts": attempts, "own_errors": own_errors}
    storyboard_id = enqueue(producer, **given, max_attempts=max_attempts)
    [lapsed] = upkeep.rescue()
    assert lapsed.failed == (status == "failed")
    row = storyboard(producer, storyboard_id)
    assert (row["status"], row["own_errors"]) == (status, own_errors + 1)


@pytest.mark.parametrize("max_attempts", [None, 100])
def test_after_its_first_a_row_may_lose_three_workers_more(
    upkeep: Upkeep,
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    max_attempts: int | None,
) -> None:
    """The first worker may have been lost in company. From then on the row is tried apart."""
    storyboard_id = enqueue(producer, max_attempts=max_attempts)
    failed = []
    while claims := claim_any(queue, 1):
        lapse(producer, *(claim.id for claim in claims))
        failed += [lapsed.failed for lapsed in upkeep.rescue()]
    assert failed == [False, False, False, True]
    row = storyboard(producer, storyboard_id)
    assert (row["status"], row["error_code"]) == ("failed", "worker_lost")


def test_a_row_that_is_started_afresh_has_lost_no_worker(
    upkeep: Upkeep, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer, attempts=3, workers_lost=3, own_errors=3)
    lapse(producer, claim.id)
    assert [lapsed.failed for lapsed in upkeep.rescue()] == [True]
    row = change(producer, claim.id, status="pending")
    assert (row["attempts"], row["own_errors"], row["workers_lost"]) == (0, 0, 0)
    assert len(queue.claim(1)) == 1


def test_a_row_that_becomes_ready_has_lost_no_worker(
    upkeep: Upkeep, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    lapse(producer, claim.id)
    upkeep.rescue()
    [again] = claim_any(queue, 1)
    queue.complete(again, IMAGE)
    row = change(producer, claim.id, status="pending")
    assert (row["status"], row["workers_lost"]) == ("pending", 0)


def test_rows_that_have_not_lapsed_are_left_alone(
    upkeep: Upkeep, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    held = claim_new(queue, producer)
    ids = [held.id, *(enqueue(producer, **state) for state in (PENDING, READY, FAILED))]
    before = [storyboard(producer, id_) for id_ in ids]
    assert upkeep.rescue() == []
    assert [storyboard(producer, id_) for id_ in ids] == before


def test_the_rescued_row_is_taken_again(
    upkeep: Upkeep,
    queue: StoryboardQueue,
    other_queue: StoryboardQueue,
    producer: psycopg.Connection,
) -> None:
    claim = claim_new(queue, producer)
    lapse(producer, claim.id)
    upkeep.rescue()
    [again] = claim_any(other_queue, 1)
    assert (again.id, again.attempt) == (claim.id, 2)


def test_in_bounded_batches_the_longest_claimed_first(
    upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    ids = [
        enqueue(producer, **{**LAPSED, "claimed_at": moment(producer, -seconds)})
        for seconds in (10, 40, 20, 50, 30)
    ]
    assert {row.id for row in upkeep.rescue(2)} == {ids[3], ids[1]}
    assert {row.id for row in upkeep.rescue(2)} == {ids[4], ids[2]}
    assert {row.id for row in upkeep.rescue(2)} == {ids[0]}
    assert upkeep.rescue(2) == []


def test_what_a_vanished_worker_may_have_stored_is_listed_until_its_row_shows_it(
    database: Database, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    upkeep = Upkeep(database, max_attempts=8, folder="storyboards")
    claim = claim_new(queue, producer)
    lapse(producer, claim.id)
    upkeep.rescue()
    maybe_stored = public_id("storyboards", claim.id, claim.source_url)
    assert listed(producer) == {maybe_stored}
    [again] = claim_any(queue, 1)
    queue.complete(again, replace(IMAGE, public_id=maybe_stored))
    assert listed(producer) == set()


def test_a_picture_that_its_row_shows_is_not_listed_when_its_worker_vanishes(
    database: Database, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    upkeep = Upkeep(database, max_attempts=8, folder="storyboards")
    claim = claim_new(queue, producer)
    queue.complete(claim, replace(IMAGE, public_id=public_id("storyboards", claim.id, URL)))
    change(producer, claim.id, status="pending")
    claim_any(queue, 1)
    lapse(producer, claim.id)
    assert [row.id for row in upkeep.rescue()] == [claim.id]
    assert listed(producer) == set()


def test_a_locked_row_is_passed_over(
    dsn: str, upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    held, free = enqueue(producer, **LAPSED), enqueue(producer, **LAPSED)
    with psycopg.connect(dsn) as slow:
        change(slow, held, project_id="p")
        assert [row.id for row in upkeep.rescue()] == [free]
        slow.rollback()
    assert [row.id for row in upkeep.rescue()] == [held]


def test_rescuers_that_meet_skip_each_others_rows(dsn: str, producer: psycopg.Connection) -> None:
    producer.execute(
        "INSERT INTO storyboards (source_url, status, attempts, claim_token, claimed_by, "
        "claimed_at, lease_expires_at) SELECT 'https://images.example/' || n, 'processing', 1, "
        "gen_random_uuid(), 'worker-1', %s, %s FROM generate_series(1, 300) AS n",
        [A_MOMENT, A_MOMENT],
    )
    database = Database(dsn, max_connections=4)
    upkeep = Upkeep(database, max_attempts=8)

    def drain(_: int) -> list[Lapsed]:
        found: list[Lapsed] = []
        while batch := upkeep.rescue(10):
            found += batch
        return found

    with ThreadPoolExecutor(4) as threads:
        rescued = [row.id for found in threads.map(drain, range(4)) for row in found]
    database.close()
    assert len(rescued) == len(set(rescued)) == 300
    assert count(producer, "SELECT count(*) FROM storyboards WHERE status = 'pending'") == 300
