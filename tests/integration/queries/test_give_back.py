"""processing → pending for rows that a stopping worker did not finish."""

from uuid import UUID

import psycopg

from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.giving_back import GivenBack
from tests.integration.queries.working import claim_any, claim_new
from tests.support.producing import ERROR, NO_CLAIM, change, enqueue, moment, storyboard

NONE = frozenset[UUID]()


def test_the_row_is_as_before_the_claim(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(
        producer, attempts=2, available_at=moment(producer, -30), priority=3, **ERROR
    )
    before = storyboard(producer, storyboard_id)
    claims = claim_any(queue, 1)
    assert queue.give_back(claims).count == 1
    row = storyboard(producer, storyboard_id)
    assert row == {**before, "updated_at": row["updated_at"]}
    assert {name: row[name] for name in NO_CLAIM} == NO_CLAIM


def test_another_worker_takes_it_at_once(
    queue: StoryboardQueue, other_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    queue.give_back([claim])
    [again] = other_queue.claim(5)
    assert (again.id, again.attempt) == (claim.id, 1)
    assert again.token != claim.token


def test_only_rows_that_are_still_ours_are_given_back(
    queue: StoryboardQueue, other_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    ours, lost, kept = (claim_new(queue, producer) for _ in range(3))
    change(producer, lost.id, status="pending")
    theirs = other_queue.claim_one(lost.id)
    assert theirs is not None
    assert queue.give_back([ours, lost]) == GivenBack(1, NONE)
    assert storyboard(producer, ours.id)["status"] == "pending"
    assert storyboard(producer, lost.id)["claim_token"] == theirs.token
    assert storyboard(producer, kept.id)["claim_token"] == kept.token


def test_nothing_to_give_back(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    claim = claim_new(queue, producer)
    assert queue.give_back([]) == GivenBack(0, NONE)
    assert storyboard(producer, claim.id)["status"] == "processing"


def test_a_locked_row_does_not_keep_the_others(
    queue: StoryboardQueue, producer: psycopg.Connection, dsn: str
) -> None:
    locked, *others = (claim_new(queue, producer) for _ in range(3))
    with psycopg.connect(dsn) as locking:
        locking.execute("SELECT 1 FROM storyboards WHERE id = %s FOR UPDATE", [locked.id])
        assert queue.give_back([locked, *others]) == GivenBack(2, frozenset([locked.token]))
    assert storyboard(producer, locked.id)["status"] == "processing"
    assert {storyboard(producer, claim.id)["status"] for claim in others} == {"pending"}
    assert queue.give_back([locked]) == GivenBack(1, NONE)


def test_a_row_that_the_database_refuses_does_not_keep_the_others(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    refused, *others = (claim_new(queue, producer) for _ in range(3))
    producer.execute("""
        CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'not to be given back'; END $$
    """)
    producer.execute(f"""
        CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
        WHEN (OLD.id = '{refused.id}' AND NEW.status = 'pending')
        EXECUTE FUNCTION pg_temp.refuse()
    """)
    try:
        assert queue.give_back([refused, *others]) == GivenBack(2, NONE)
    finally:
        producer.execute("DROP TRIGGER refuse ON storyboards")
    assert storyboard(producer, refused.id)["status"] == "processing"
