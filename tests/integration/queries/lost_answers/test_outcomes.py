"""The ends of claims, and what people change, are found out although the answer was lost."""

from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.database.patience import Patience
from storyboard_worker.errors import DatabaseUnavailable, LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.ends import ClaimEnd, ErrorEnd, Transition
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from tests.integration.queries.lost_answers.losing import LosingDatabase
from tests.integration.queries.working import IMAGE, TIMEOUT, claim_new, lapse
from tests.support.producing import FAILED, OTHER_URL, change, enqueue, storyboard


def test_a_completion_is_recognised_as_done(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    claim = claim_new(losing_queue, producer)
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.complete(claim, IMAGE)
    assert losing_queue.renew([claim]) == [], "an attempt whose end may be written is not stopped"
    losing_queue.complete(claim, IMAGE)
    with pytest.raises(LeaseLost):
        losing_queue.complete(claim, IMAGE)


def test_another_picture_is_not_taken_for_ours(
    losing_queue: StoryboardQueue,
    other_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
) -> None:
    claim = claim_new(losing_queue, producer)
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.complete(claim, IMAGE)
    change(producer, claim.id, source_url=OTHER_URL)
    newer = other_queue.claim_one(claim.id)
    assert newer is not None
    other_queue.complete(newer, replace(IMAGE, cdn_url="https://cdn.example/newer.jpg"))
    with pytest.raises(LeaseLost):
        losing_queue.complete(claim, IMAGE)


def test_a_completion_that_is_locked_in_between_is_still_recognised(
    dsn: str,
    losing_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
) -> None:
    """A message that was sent first may take effect after one that was sent second."""
    claim = claim_new(losing_queue, producer)
    with psycopg.connect(dsn) as late:
        late.execute(
            "UPDATE storyboards SET status = 'ready', cdn_url = %s WHERE id = %s",
            [IMAGE.cdn_url, claim.id],
        )
        database.to_lose = 1
        with pytest.raises(DatabaseUnavailable):
            losing_queue.complete(claim, IMAGE)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            losing_queue.complete(claim, IMAGE)
        late.commit()
    losing_queue.complete(claim, IMAGE)


def test_a_claim_that_is_still_held_is_not_taken_for_a_later_one(
    dsn: str,
    losing_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
) -> None:
    """A row that was released and claimed again has the same number of attempts."""
    claim = claim_new(losing_queue, producer)
    with psycopg.connect(dsn) as locking:
        locking.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [claim.id])
        database.to_lose = 1
        with pytest.raises(DatabaseUnavailable):
            losing_queue.release(claim, TIMEOUT, delay_seconds=0)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            losing_queue.release(claim, TIMEOUT, delay_seconds=0)
    losing_queue.release(claim, TIMEOUT, delay_seconds=0)
    assert storyboard(producer, claim.id)["status"] == "pending"


@pytest.mark.parametrize("end", ["retry", "release", "fail"])
def test_every_other_end_is_recognised_too(
    losing_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
    end: str,
) -> None:
    claim = claim_new(losing_queue, producer)

    def write() -> None:
        match end:
            case "retry":
                losing_queue.retry(claim, TIMEOUT, delay_seconds=60)
            case "release":
                losing_queue.release(claim, TIMEOUT, delay_seconds=60)
            case _:
                losing_queue.fail(claim, TIMEOUT, sentry_event_id=None)

    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        write()
    write()
    change(producer, claim.id, source_url=OTHER_URL)
    with pytest.raises(LeaseLost):
        write()


def test_ends_of_one_message_are_recognised_each(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    """The message took effect, but for a row that its producer has regenerated since."""
    ends: list[ClaimEnd] = [
        (claim_new(losing_queue, producer), end)
        for end in (
            IMAGE,
            ErrorEnd(Transition.RETRY, TIMEOUT, 60),
            ErrorEnd(Transition.RELEASE, TIMEOUT, 60),
            ErrorEnd(Transition.FAIL, TIMEOUT),
            ErrorEnd(Transition.FAIL, TIMEOUT),
        )
    ]
    claims = [claim for claim, _ in ends]
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.end_all(ends)
    assert losing_queue.renew(claims) == [], "an attempt whose end may be written is not stopped"
    change(producer, claims[-1].id, source_url=OTHER_URL)
    verdicts, _ = losing_queue.end_all(ends)
    assert verdicts[:-1] == [None] * 4
    assert isinstance(verdicts[-1], LeaseLost)
    assert losing_queue.renew(claims) == claims


def test_rows_that_were_lost_or_expired_are_told_in_the_end(
    database: LosingDatabase, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    upkeep = Upkeep(database, max_attempts=1)
    lost = claim_new(queue, producer).id
    lapse(producer, lost)
    database.commits = 1
    with pytest.raises(DatabaseUnavailable):
        upkeep.rescue()
    assert [row.id for row in upkeep.rescue()] == [lost]
    assert upkeep.rescue() == []
    dead = enqueue(producer, source_expires_at="2026-01-02T03:04:05Z")
    database.commits = 1
    with pytest.raises(DatabaseUnavailable):
        upkeep.expire()
    assert [row.id for row in upkeep.expire()] == [dead]
    assert upkeep.expire() == []


def test_retried_rows_are_counted_correctly(
    database: LosingDatabase, producer: psycopg.Connection
) -> None:
    failed = [enqueue(producer, **FAILED) for _ in range(3)]
    database.commits = 1
    insist = Patience(database, 5.0)
    assert sorted(StoryboardRows(database).retry(FailedFilter(), insist)) == sorted(failed)


def test_enqueuing_again_inserts_nothing_twice(
    database: LosingDatabase, producer: psycopg.Connection
) -> None:
    rows = StoryboardRows(database)
    ids = [UUID(int=number) for number in range(1, 4)]
    urls = [f"https://images.example/{number}" for number in range(3)]
    database.commits = 1
    with pytest.raises(DatabaseUnavailable):
        rows.enqueue(urls, ids=ids)
    assert rows.enqueue(urls, ids=ids) == ids
    [count] = producer.execute("SELECT count(*) FROM storyboards").fetchone() or (0,)
    assert count == 3
