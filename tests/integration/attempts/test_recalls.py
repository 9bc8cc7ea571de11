"""After an outage all of its rows come back, batch by batch."""

import threading

import psycopg
import pytest

from storyboard_worker.attempts.pauses import Recovery
from storyboard_worker.attempts.recalls import Recalls
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.put_off import RECALLED_AT_ONCE, Recall
from tests.support.watching import count

HOST = "images.example"
MANY = 2 * RECALLED_AT_ONCE + 500
NOT_DUE = "SELECT count(*) FROM storyboards WHERE available_at > now()"
RECOVERY = Recovery(HOST, 300)


@pytest.fixture
def put_off(producer: psycopg.Connection) -> None:
    """Links of known and of unknown expiry, and some rows over which a worker was lost."""
    producer.execute(
        "INSERT INTO storyboards (source_url, attempts, workers_lost, source_expires_at, "
        "error_code, error_message, errored_at, available_at) "
        "SELECT %s || n, 3, (n %% 100 = 0)::int, "
        "CASE WHEN n %% 2 = 0 THEN now() + make_interval(hours => 2, secs => n) END, "
        "'source_timeout', 'no', now() - interval '1 minute', now() + interval '5 minutes' "
        "FROM generate_series(1, %s) n",
        [f"https://{HOST}/", MANY],
    )


@pytest.mark.usefixtures("put_off")
def test_each_batch_is_a_transaction_of_its_own(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    recall, left = Recall(HOST, 300), []
    while not recall.is_over:
        recall = queue.recall(recall)
        left.append(count(producer, NOT_DUE))
    lost = MANY // 100
    assert left == [MANY - RECALLED_AT_ONCE, MANY - 2 * RECALLED_AT_ONCE, lost, 0]
    assert recall.count == MANY


@pytest.mark.usefixtures("put_off")
def test_each_end_of_an_attempt_recalls_the_next_batch(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    recalls = Recalls(queue)
    recalls.go_on()
    assert count(producer, NOT_DUE) == MANY
    recalls.begin(RECOVERY)
    recalls.go_on()
    assert count(producer, NOT_DUE) == MANY - RECALLED_AT_ONCE
    for _ in range(4):
        recalls.go_on()
    assert count(producer, NOT_DUE) == 0


@pytest.mark.usefixtures("put_off")
def test_a_locked_row_holds_up_no_other_row(
    dsn: str, queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    recalls = Recalls(queue)
    with psycopg.connect(dsn) as slow:
        slow.execute("UPDATE storyboards SET project_id = 'p' WHERE source_url LIKE '%%/7'")
        recalls.begin(RECOVERY)
        for _ in range(5):
            recalls.go_on()
        assert count(producer, NOT_DUE) == 1
        slow.rollback()


class AwayOnce:
    """The database is away for the first call, and two threads meet in the second."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_in = threading.Event()
        self.may_end = threading.Event()

    def recall(self, recall: Recall) -> Recall:
        self.calls += 1
        if self.calls == 1:
            raise DatabaseUnavailable("away")
        self.is_in.set()
        assert self.may_end.wait(20)
        return recall.after([])


def test_a_batch_that_met_an_absent_database_is_done_later_and_none_is_done_twice() -> None:
    queue = AwayOnce()
    recalls = Recalls(queue)  # type: ignore[arg-type]
    recalls.begin(RECOVERY)
    recalls.go_on()
    thread = threading.Thread(target=recalls.go_on)
    thread.start()
    assert queue.is_in.wait(20)
    recalls.go_on()
    assert queue.calls == 2
    queue.may_end.set()
    thread.join(20)
    recalls.go_on()
    recalls.go_on()
    assert queue.calls == 3, "the other group, and then no more"
