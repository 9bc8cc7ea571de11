"""Claims made in the transactions in which other claims end."""

from collections.abc import Callable

import psycopg
import pytest

from storyboard_worker.errors import DatabaseUnavailable, LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import IMAGE, claim_new
from tests.support.producing import OTHER_URL, change, enqueue, storyboard, written_by


def test_both_happen_in_one_transaction(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    waiting = [enqueue(producer) for _ in range(3)]
    verdicts, claims = queue.end_all([(claim, IMAGE)], claim=2)
    assert verdicts == [None]
    assert [claim.id for claim in claims] == waiting[:2]
    assert {storyboard(producer, storyboard_id)["status"] for storyboard_id in waiting[:2]} == {
        "processing"
    }
    assert storyboard(producer, claim.id)["status"] == "ready"
    one = {written_by(producer, storyboard_id) for storyboard_id in (claim.id, *waiting[:2])}
    assert len(one) == 1


def test_without_a_free_slot_nothing_is_claimed(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim, waiting = claim_new(queue, producer), enqueue(producer)
    assert queue.end_all([(claim, IMAGE)]) == ([None], [])
    assert storyboard(producer, waiting)["status"] == "pending"


def test_a_completion_that_is_lost_does_not_lose_the_claims(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    change(producer, claim.id, source_url=OTHER_URL)
    [verdict], claims = queue.end_all([(claim, IMAGE)], claim=2)
    assert isinstance(verdict, LeaseLost)
    assert [claim.id for claim in claims] == [claim.id]


def test_nothing_is_claimed_when_the_transaction_fails(
    queue: StoryboardQueue, producer: psycopg.Connection, break_connections: Callable[[], None]
) -> None:
    claim, waiting = claim_new(queue, producer), enqueue(producer)
    break_connections()
    with pytest.raises(DatabaseUnavailable):
        queue.end_all([(claim, IMAGE)], claim=2)
    assert storyboard(producer, waiting)["status"] == "pending"


@pytest.fixture
def break_connections(producer: psycopg.Connection) -> Callable[[], None]:
    def kill() -> None:
        producer.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'storyboard-worker'"
        )

    return kill
