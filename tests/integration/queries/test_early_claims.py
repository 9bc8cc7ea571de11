"""A claim that is made ready while nothing waits, and sent when a row arrives."""

from collections.abc import Iterator

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.database.bounded_connection import BoundedConnection
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries import early_claims, unanswered_claims
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Group
from tests.integration.queries.lost_answers.losing import states
from tests.support.producing import enqueue, storyboard
from tests.support.waiting import eventually

LIMIT = 12
COMMITTED = "SELECT count(*) FROM storyboards WHERE status = 'processing'"


@pytest.fixture
def ready_queue(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoryboardQueue]:
    """A queue whose session keeps the plan of a claim, with one ready."""
    monkeypatch.setattr(unanswered_claims, "LOOK_EVERY_SECONDS", 0.0)
    database = Database(dsn)
    database.keep_plans(allowed=True)
    queue = StoryboardQueue(database, worker_id="worker-1", lease_seconds=60)
    assert queue.claim(LIMIT) == []
    queue.make_claim_ready(LIMIT)
    yield queue
    queue.drop_ready_claim()
    database.close()


def session_of(queue: StoryboardQueue) -> BoundedConnection:
    """The connection of the claim that is ready or under way."""
    early = queue._claiming.early._early
    assert early is not None
    return early.exchange._connection


def test_it_takes_rows_that_came_after_it_was_made_ready(
    ready_queue: StoryboardQueue, other_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    ids = [enqueue(producer, priority=priority) for priority in (1, 3, 2)]
    ready_queue.send_claim()
    assert ready_queue.claim_is_under_way
    eventually(lambda: producer.execute(COMMITTED).fetchone() == (3,))
    assert other_queue.claim(LIMIT) == []
    claims = ready_queue.claim(LIMIT)
    assert [claim.id for claim in claims] == [ids[1], ids[2], ids[0]]
    assert not ready_queue.claim_is_under_way
    row = storyboard(producer, ids[0])
    assert (row["status"], row["attempts"], row["claimed_by"]) == ("processing", 1, "worker-1")
    assert row["claim_token"] == claims[2].token


def test_it_leaves_what_is_not_new(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    tried = enqueue(producer, attempts=1)
    ready_queue.send_claim()
    assert ready_queue.claim(LIMIT) == []
    assert [claim.id for claim in ready_queue.claim(LIMIT, group=Group.TRIED)] == [tried]


def test_it_takes_no_more_than_its_limit(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for _ in range(LIMIT + 1):
        enqueue(producer)
    ready_queue.send_claim()
    assert len(ready_queue.claim(LIMIT + 4)) == LIMIT
    assert len(ready_queue.claim(LIMIT + 4)) == 1


def test_a_claim_of_others_leaves_it_alone(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    new, tried = enqueue(producer), enqueue(producer, attempts=1)
    ready_queue.send_claim()
    assert [claim.id for claim in ready_queue.claim(LIMIT, group=Group.TRIED)] == [tried]
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [new]


def test_one_that_was_sent_stays_until_its_answer_is_taken(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    row = enqueue(producer)
    ready_queue.send_claim()
    ready_queue.drop_ready_claim()
    ready_queue.make_claim_ready(LIMIT)
    ready_queue.send_claim()
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]
    assert ready_queue.seconds_until_look_for_lost is None


def test_one_that_is_dropped_takes_nothing(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    row = enqueue(producer)
    ready_queue.drop_ready_claim()
    ready_queue.send_claim()
    assert not ready_queue.claim_is_under_way
    assert states(producer, [row]) == [("pending", 0)]
    assert ready_queue.seconds_until_look_for_lost is None
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]


def test_one_that_has_been_ready_for_long_is_not_sent(
    ready_queue: StoryboardQueue, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early_claims, "MOST_READY_SECONDS", 0.0)
    row = enqueue(producer)
    ready_queue.send_claim()
    assert not ready_queue.claim_is_under_way
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]


def test_one_is_followed_by_another(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for _ in range(3):
        ready_queue.make_claim_ready(LIMIT)
        row = enqueue(producer)
        ready_queue.send_claim()
        assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]
        ready_queue.drop_ready_claim()
    assert ready_queue.seconds_until_look_for_lost is None


def test_what_it_took_without_an_answer_is_given_back(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    row = enqueue(producer)
    ready_queue.send_claim()
    eventually(lambda: producer.execute(COMMITTED).fetchone() == (1,))
    # The answer is on its way, and is lost with the connection.
    session_of(ready_queue).give_up()
    with pytest.raises(DatabaseUnavailable):
        ready_queue.claim(LIMIT)
    assert states(producer, [row]) == [("processing", 1)]
    assert ready_queue.give_back_lost() == 1
    assert states(producer, [row]) == [("pending", 0)]


def test_a_session_that_has_ended_in_between_is_told(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    row = enqueue(producer)
    producer.execute(
        "SELECT pg_terminate_backend(%s, 10000)", [session_of(ready_queue).info.backend_pid]
    )
    ready_queue.send_claim()
    with pytest.raises(DatabaseUnavailable):
        ready_queue.claim(LIMIT)
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]


def test_a_session_without_its_plan_claims_in_the_usual_way(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    session_of(ready_queue).execute("DEALLOCATE ALL")
    row = enqueue(producer)
    ready_queue.send_claim()
    assert [claim.id for claim in ready_queue.claim(LIMIT)] == [row]
    assert ready_queue.seconds_until_look_for_lost is None


@pytest.mark.database("own")
def test_a_row_that_the_database_refuses_does_not_stop_the_others(
    ready_queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    producer.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not this one'; END $$;"
        "CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW "
        "WHEN (NEW.project_id = 'bad' AND NEW.status = 'processing') EXECUTE FUNCTION refuse()"
    )
    with producer.transaction():
        bad = enqueue(producer, project_id="bad", priority=9)
        good = {enqueue(producer) for _ in range(5)}
    ready_queue.send_claim()
    assert {claim.id for claim in ready_queue.claim(LIMIT)} == good
    assert storyboard(producer, bad)["status"] == "failed"
