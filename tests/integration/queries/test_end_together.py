"""Claims that end together share a transaction, whatever their ends, but not their results."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.errors import AttemptError, DatabaseUnavailable, DataRefused, ErrorCode
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.ends import ClaimEnd, End, ErrorEnd, Transition
from tests.integration.queries.working import EVENT_ID, IMAGE, TIMEOUT, claim_new
from tests.support.producing import ERROR, enqueue, storyboard, written_by

REDACTED = AttemptError(ErrorCode.STORAGE_REJECTED, "no: https://a.example/b?Signature=geheim")
ENDS: list[End] = [
    IMAGE,
    ErrorEnd(Transition.RETRY, TIMEOUT, 90, own_error=True, event_id=EVENT_ID),
    ErrorEnd(Transition.RELEASE, TIMEOUT, 30),
    ErrorEnd(Transition.FAIL, REDACTED, event_id=EVENT_ID),
]
STATUSES = ["ready", "pending", "pending", "failed"]


@pytest.fixture
def ends(queue: StoryboardQueue, producer: psycopg.Connection) -> list[ClaimEnd]:
    """One claim for each of :data:`ENDS`."""
    return [(claim_new(queue, producer), end) for end in ENDS]


@pytest.fixture
def locking(dsn: str) -> Iterator[psycopg.Connection]:
    """A producer's transaction that is still open."""
    with psycopg.connect(dsn) as connection:
        yield connection


def statuses(producer: psycopg.Connection, ends: list[ClaimEnd]) -> list[str]:
    return [storyboard(producer, claim.id)["status"] for claim, _ in ends]


def test_images_errors_and_a_claim_take_one_transaction(
    queue: StoryboardQueue, producer: psycopg.Connection, ends: list[ClaimEnd]
) -> None:
    waiting = enqueue(producer)
    verdicts, claims = queue.end_all(ends, claim=3)
    assert verdicts == [None] * len(ends)
    assert [claim.id for claim in claims] == [waiting]
    assert statuses(producer, ends) == STATUSES
    written = [written_by(producer, id_) for id_ in (*(claim.id for claim, _ in ends), waiting)]
    assert len(set(written)) == 1


def test_so_do_errors_alone(
    queue: StoryboardQueue, producer: psycopg.Connection, ends: list[ClaimEnd]
) -> None:
    assert queue.end_all(ends[1:]) == ([None] * 3, [])
    assert len({written_by(producer, claim.id) for claim, _ in ends[1:]}) == 1


@pytest.mark.parametrize("locked", range(len(ENDS)))
def test_a_locked_row_waits_alone(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    ends: list[ClaimEnd],
    locking: psycopg.Connection,
    locked: int,
) -> None:
    locking.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [ends[locked][0].id])
    verdicts, _ = queue.end_all(ends)
    assert [type(verdict) for verdict in verdicts] == [
        DatabaseUnavailable if place == locked else type(None) for place in range(len(ENDS))
    ]
    assert statuses(producer, ends) == [
        "processing" if place == locked else status for place, status in enumerate(STATUSES)
    ]
    locking.rollback()
    assert queue.end_all([ends[locked]]) == ([None], [])
    assert statuses(producer, ends) == STATUSES


def test_one_that_is_refused_keeps_all_from_being_written(
    queue: StoryboardQueue, producer: psycopg.Connection, ends: list[ClaimEnd]
) -> None:
    waiting = enqueue(producer)
    no_text = AttemptError(ErrorCode.STORAGE_REJECTED, "half of a character: \ud83d")
    refused = (claim_new(queue, producer), ErrorEnd(Transition.FAIL, no_text))
    with pytest.raises(DataRefused):
        queue.end_all([*ends, refused], claim=1)
    assert set(statuses(producer, [*ends, refused])) == {"processing"}
    assert storyboard(producer, waiting)["status"] == "pending"


# What each transition wrote when each error had a statement of its own.
GIVEN = """
    error_code = 'source_timeout', error_message = 'no byte within 30 s', errored_at = now(),
    claim_token = NULL, claimed_by = NULL, claimed_at = NULL, lease_expires_at = NULL
"""
BY_ITSELF = {
    Transition.RETRY: f"""
        status = 'pending', available_at = now() + interval '90 seconds',
        attempts = greatest(attempts - workers_lost, least(attempts, 1)),
        own_errors = greatest(own_errors - workers_lost, 0) + 1,
        workers_lost = 0, lost_with = NULL, sentry_event_id = '{EVENT_ID}', {GIVEN}
    """,
    Transition.RELEASE: f"""
        status = 'pending', available_at = now() + interval '90 seconds',
        attempts = greatest(attempts - 1, 0), sentry_event_id = NULL, {GIVEN}
    """,
    Transition.FAIL: f"status = 'failed', sentry_event_id = '{EVENT_ID}', {GIVEN}",
}
WRITTEN_TOGETHER = {
    Transition.RETRY: ErrorEnd(Transition.RETRY, TIMEOUT, 90, own_error=True, event_id=EVENT_ID),
    Transition.RELEASE: ErrorEnd(Transition.RELEASE, TIMEOUT, 90),
    Transition.FAIL: ErrorEnd(Transition.FAIL, TIMEOUT, event_id=EVENT_ID),
}
ROWS: list[dict[str, Any]] = [
    {},
    {"attempts": 5, "own_errors": 2, **ERROR},
    {"attempts": 4, "own_errors": 3, "workers_lost": 2, "lost_with": "worker-2"},
    {"attempts": 1, "own_errors": 1, "workers_lost": 3, "max_attempts": 9, "priority": 3},
]
OF_EACH_ROW = {"id", "created_at", "updated_at", "source_set_at", "effective_expires_at"}
MOMENTS = ("available_at", "errored_at", "finished_at")


def as_left(producer: psycopg.Connection, id_: UUID) -> dict[str, Any]:
    """All columns but those in which two rows differ anyway, moments as seconds since the end."""
    row = storyboard(producer, id_)
    ended_at = row["errored_at"]
    for name in MOMENTS:
        row[name] = row[name] and round((row[name] - ended_at).total_seconds())
    return {name: value for name, value in row.items() if name not in OF_EACH_ROW}


def test_each_transition_writes_the_columns_that_it_wrote_by_itself(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """Each row has a twin, which ends by a statement of its own."""
    cases = [(transition, columns) for transition in Transition for columns in ROWS]
    ends: list[ClaimEnd] = []
    twins: list[UUID] = []
    for transition, columns in cases:
        ends.append((claim_new(queue, producer, **columns), WRITTEN_TOGETHER[transition]))
        twins.append(claim_new(queue, producer, **columns).id)
    assert queue.end_all(ends) == ([None] * len(cases), [])
    for (transition, _), twin in zip(cases, twins, strict=True):
        statement = f"UPDATE storyboards SET {BY_ITSELF[transition]} WHERE id = %s"
        producer.execute(statement.encode(), [twin])
    found = [as_left(producer, claim.id) for claim, _ in ends]
    assert found == [as_left(producer, twin) for twin in twins]
