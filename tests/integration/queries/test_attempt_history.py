"""Each claim that ends with an error is kept in the history, and for 30 days."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from storyboard_worker.database import Database
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.upkeep import Upkeep
from tests.integration.queries.working import EVENT_ID, IMAGE, TIMEOUT, claim_new, lapse
from tests.support.producing import (
    NO_CLAIM,
    OTHER_URL,
    PROCESSING,
    READY,
    WAITING,
    change,
    delete,
    enqueue,
    moment,
    storyboard,
)

KEPT_DAYS = 30
BATCH = 500


def history(producer: psycopg.Connection) -> list[dict[str, Any]]:
    with producer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboard_attempts ORDER BY id").fetchall()


def test_an_attempt_that_is_tried_again(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    claim = claim_new(queue, producer)
    claimed_at = storyboard(producer, claim.id)["claimed_at"]
    queue.retry(claim, TIMEOUT, delay_seconds=1, own_error=False)
    row = storyboard(producer, claim.id)
    [attempt] = history(producer)
    assert attempt.pop("id") > 0
    assert attempt == {
        "storyboard_id": claim.id,
        "attempt": 1,
        "began_at": claimed_at,
        "ended_at": row["errored_at"],
        "worker_id": "worker-1",
        "error_code": "source_timeout",
        "error_message": TIMEOUT.message,
        "sentry_event_id": None,
    }


def test_an_attempt_that_fails_the_row(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    queue.fail(claim_new(queue, producer), TIMEOUT, sentry_event_id=EVENT_ID)
    [attempt] = history(producer)
    assert (attempt["attempt"], attempt["sentry_event_id"]) == (1, EVENT_ID)


def test_an_attempt_whose_error_is_not_the_rows(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    limited = AttemptError(ErrorCode.SOURCE_RATE_LIMITED, "429", upstream="images.example")
    queue.release(claim_new(queue, producer), limited, delay_seconds=1)
    [attempt] = history(producer)
    assert (attempt["attempt"], attempt["error_code"]) == (1, "source_rate_limited")


def test_a_worker_that_vanished(
    producer: psycopg.Connection, queue: StoryboardQueue, upkeep: Upkeep
) -> None:
    claim = claim_new(queue, producer)
    queue.retry(claim, TIMEOUT, delay_seconds=0, own_error=False)
    again = queue.claim_one(claim.id)
    assert again is not None
    lapse(producer, claim.id)
    upkeep.rescue()
    assert [
        (row["attempt"], row["error_code"], row["error_message"]) for row in history(producer)
    ] == [
        (1, "source_timeout", TIMEOUT.message),
        (2, "worker_lost", "the worker vanished"),
    ]


def test_attempts_without_an_error_are_not_noted(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    queue.complete(claim_new(queue, producer), IMAGE)
    queue.give_back([claim_new(queue, producer)])
    for afresh in ({"source_url": OTHER_URL}, {"status": "pending"}):
        change(producer, enqueue(producer, **PROCESSING), **afresh)
    queue.renew([claim_new(queue, producer)])
    assert history(producer) == []


def test_no_signed_url_is_kept(producer: psycopg.Connection, queue: StoryboardQueue) -> None:
    signed = f"{OTHER_URL}?X-Tos-Signature=0123456789abcdef"
    error = AttemptError(ErrorCode.UNEXPECTED, f"no answer from {signed}", upstream="a.example")
    queue.fail(claim_new(queue, producer, source_url=signed), error, sentry_event_id=None)
    [attempt] = history(producer)
    assert "0123456789abcdef" not in str(attempt)


def test_the_history_outlives_a_new_beginning_and_goes_with_its_row(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    claim = claim_new(queue, producer)
    queue.fail(claim, TIMEOUT, sentry_event_id=None)
    change(producer, claim.id, source_url=OTHER_URL)
    assert len(history(producer)) == 1
    producer.execute("SET ROLE service_role")
    delete(producer, claim.id)
    producer.execute("RESET ROLE")
    assert history(producer) == []


def test_the_history_goes_with_all_rows(
    producer: psycopg.Connection, queue: StoryboardQueue
) -> None:
    queue.fail(claim_new(queue, producer), TIMEOUT, sentry_event_id=None)
    assert len(history(producer)) == 1
    producer.execute("TRUNCATE storyboards")
    assert history(producer) == []


def test_no_row_fills_the_table(producer: psycopg.Connection, queue: StoryboardQueue) -> None:
    for attempts in (50, 51):
        storyboard_id = enqueue(producer, **{**PROCESSING, "attempts": attempts})
        change(producer, storyboard_id, **{**WAITING, **NO_CLAIM, "errored_at": moment(producer)})
    assert [row["attempt"] for row in history(producer)] == [50]


def remember(producer: psycopg.Connection, storyboard_id: UUID, count: int, days: int) -> None:
    producer.execute(
        "INSERT INTO storyboard_attempts (storyboard_id, attempt, ended_at) "
        "SELECT %s, n, now() - make_interval(days => %s) FROM generate_series(1, %s) AS n",
        [storyboard_id, days, count],
    )


def test_what_is_old_is_forgotten_a_batch_at_a_time(
    producer: psycopg.Connection, upkeep: Upkeep
) -> None:
    storyboard_id = enqueue(producer)
    remember(producer, storyboard_id, BATCH + 1, KEPT_DAYS + 1)
    remember(producer, storyboard_id, 2, KEPT_DAYS - 1)
    assert [upkeep.forget_attempts() for _ in range(3)] == [BATCH, 1, 0]
    assert len(history(producer)) == 2


@pytest.mark.database("own")
def test_a_schema_without_history_has_nothing_to_forget(
    producer: psycopg.Connection, database: Database
) -> None:
    producer.execute("DROP TABLE storyboard_attempts")
    assert Upkeep(database, max_attempts=1).forget_attempts() == 0


class TestCopySeconds:
    def test_it_is_the_time_from_the_claim_to_ready(
        self, producer: psycopg.Connection, queue: StoryboardQueue
    ) -> None:
        claim = claim_new(queue, producer)
        claimed_at = storyboard(producer, claim.id)["claimed_at"]
        queue.complete(claim, IMAGE)
        row = storyboard(producer, claim.id)
        took = (row["finished_at"] - claimed_at).total_seconds()
        assert row["copy_seconds"] == pytest.approx(took, abs=1e-6)

    def test_it_goes_when_the_row_starts_afresh(
        self, producer: psycopg.Connection, queue: StoryboardQueue
    ) -> None:
        claim = claim_new(queue, producer)
        queue.complete(claim, IMAGE)
        assert change(producer, claim.id, status="pending")["copy_seconds"] is None

    def test_a_restore_keeps_it(self, producer: psycopg.Connection) -> None:
        storyboard_id = enqueue(producer, **READY, copy_seconds=1.5)
        assert change(producer, storyboard_id, priority=1)["copy_seconds"] == 1.5
