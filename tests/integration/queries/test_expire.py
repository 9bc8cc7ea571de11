"""Rows whose signed URL expired while they waited fail with ``source_expired``."""

import psycopg

from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.upkeep_statements import EXPIRED_MESSAGE
from storyboard_worker.storyboard import Expired
from tests.support.producing import (
    CLAIM,
    ERROR,
    FAILED,
    READY,
    URL,
    change,
    enqueue,
    moment,
    storyboard,
)
from tests.support.watching import count


def test_it_sets_every_column_of_the_new_state(
    upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(
        producer, attempts=2, source_expires_at=moment(producer, -1), project_id="p", **ERROR
    )
    before = storyboard(producer, storyboard_id)
    assert upkeep.expire() == [
        Expired(id=storyboard_id, source_url=URL, project_id="p", attempts=2)
    ]
    row = storyboard(producer, storyboard_id)
    assert row == {
        **before,
        "status": "failed",
        "error_code": "source_expired",
        "error_message": EXPIRED_MESSAGE,
        "errored_at": row["updated_at"],
        "sentry_event_id": None,
        "finished_at": row["updated_at"],
        "updated_at": row["updated_at"],
    }


def test_rows_that_wait_for_a_later_moment_expire_too(
    upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(
        producer, source_expires_at=moment(producer, -1), available_at=moment(producer, 3600)
    )
    assert [row.id for row in upkeep.expire()] == [storyboard_id]


def test_other_rows_are_left_alone(upkeep: Upkeep, producer: psycopg.Connection) -> None:
    past = moment(producer, -1)
    ids = [
        enqueue(producer),
        enqueue(producer, source_expires_at=moment(producer, 3600)),
        enqueue(producer, **READY, source_expires_at=past),
        enqueue(producer, **FAILED, source_expires_at=past),
        enqueue(producer, status="processing", **CLAIM, source_expires_at=past),
    ]
    before = [storyboard(producer, id_) for id_ in ids]
    assert upkeep.expire() == []
    assert [storyboard(producer, id_) for id_ in ids] == before


def test_in_bounded_batches(upkeep: Upkeep, producer: psycopg.Connection) -> None:
    for _ in range(5):
        enqueue(producer, source_expires_at=moment(producer, -1))
    assert [len(upkeep.expire(2)) for _ in range(4)] == [2, 2, 1, 0]
    assert count(producer, "SELECT count(*) FROM storyboards WHERE status = 'failed'") == 5


def test_a_locked_row_is_passed_over(
    dsn: str, upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    past = moment(producer, -1)
    held, free = (enqueue(producer, source_expires_at=past) for _ in range(2))
    with psycopg.connect(dsn) as slow:
        change(slow, held, project_id="p")
        assert [row.id for row in upkeep.expire()] == [free]
        slow.rollback()
    assert [row.id for row in upkeep.expire()] == [held]


def test_the_sentry_event_is_kept_on_failed_rows_only(
    upkeep: Upkeep, producer: psycopg.Connection
) -> None:
    failed, put_back, other = (enqueue(producer, **FAILED) for _ in range(3))
    change(producer, put_back, status="pending")
    upkeep.note_event([failed, put_back], "f" * 32)
    assert storyboard(producer, failed)["sentry_event_id"] == "f" * 32
    assert storyboard(producer, put_back)["sentry_event_id"] is None
    assert storyboard(producer, other)["sentry_event_id"] == FAILED["sentry_event_id"]
