"""The effect of a statement without an answer is found out later, and costs no row anything."""

import psycopg
import pytest

from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.lost_answers.losing import LosingDatabase, states
from tests.integration.queries.working import IMAGE, claim_new
from tests.support.producing import OTHER_URL, change, enqueue, storyboard


def test_a_claim_is_given_back_with_its_attempts(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    ids = [enqueue(producer, max_attempts=1) for _ in range(3)]
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.claim(3)
    assert states(producer, ids) == [("processing", 1)] * 3
    assert losing_queue.seconds_until_look_for_lost is not None
    assert losing_queue.give_back_lost() == 3
    assert states(producer, ids) == [("pending", 0)] * 3
    assert losing_queue.seconds_until_look_for_lost is None
    assert len(losing_queue.claim(3)) == 3


def test_a_locked_row_is_given_back_later(
    dsn: str,
    losing_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
) -> None:
    ids = [enqueue(producer) for _ in range(4)]
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.claim(4)
    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT FROM storyboards WHERE id = %s FOR UPDATE", [ids[0]])
        assert losing_queue.give_back_lost() == 3
    assert losing_queue.give_back_lost() == 1
    assert states(producer, ids) == [("pending", 0)] * 4


def test_what_another_claim_holds_is_left_alone(
    losing_queue: StoryboardQueue,
    other_queue: StoryboardQueue,
    database: LosingDatabase,
    producer: psycopg.Connection,
) -> None:
    mine, others = claim_new(losing_queue, producer), claim_new(other_queue, producer)
    lost = enqueue(producer)
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.claim(1)
    losing_queue.give_back_lost()
    assert states(producer, [mine.id, others.id, lost]) == [
        ("processing", 1),
        ("processing", 1),
        ("pending", 0),
    ]


def test_a_producers_new_image_is_not_touched(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    lost = enqueue(producer)
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.claim(1)
    change(producer, lost, source_url=OTHER_URL)
    assert losing_queue.give_back_lost() == 0
    assert states(producer, [lost]) == [("pending", 0)]


def test_a_trigger_that_refuses_the_return_spoils_nothing_else(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    done = claim_new(losing_queue, producer)
    enqueue(producer, project_id="bad")
    producer.execute("""
        CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
            WHEN (OLD.project_id = 'bad' AND NEW.status = 'pending')
            EXECUTE FUNCTION pg_temp.refuse()
    """)
    try:
        database.to_lose = 1
        with pytest.raises(DatabaseUnavailable):
            losing_queue.claim(1)
        losing_queue.complete(done, IMAGE)
        assert storyboard(producer, done.id)["status"] == "ready"
    finally:
        producer.execute("DROP TRIGGER refuse ON storyboards")


def test_rows_that_were_given_back_are_counted(
    losing_queue: StoryboardQueue, database: LosingDatabase, producer: psycopg.Connection
) -> None:
    claims = [claim_new(losing_queue, producer) for _ in range(3)]
    database.to_lose = 1
    with pytest.raises(DatabaseUnavailable):
        losing_queue.give_back(claims)
    assert losing_queue.give_back(claims).count == 3
    assert losing_queue.give_back(claims).count == 0


def test_a_claim_that_was_answered_is_not_in_doubt(
    losing_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    assert losing_queue.claim(1)
    assert losing_queue.seconds_until_look_for_lost is None
