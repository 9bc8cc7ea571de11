"""One connection of a worker goes silent while TCP and all other connections work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.spoiled_command import MOST_SECONDS
from tests.support.database_faults import Ending, Fault, Place
from tests.support.database_proxy import DatabaseProxy
from tests.support.database_url import url_of
from tests.support.exchanges import of_kind
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.waiting import eventually, statuses, wait_for_statuses

ROWS = 20
ALIVE = "SELECT now() - last_seen_at < interval '6 s' FROM storyboard_workers"
HELD_FOR_LONG = "SELECT now() - claimed_at > interval '7 s' FROM storyboards WHERE id = %s"
PROVEN_SOON = """
from storyboard_worker.worker import listener, crew, proofs
crew.BEAT_SECONDS = 0.5
listener.WAIT_SECONDS = 0.5
listener.RECONNECT_SECONDS = (0.1, 0.3)
proofs.PROVEN_EVERY_SECONDS = 1.0
proofs.PROOF_TIMEOUT_SECONDS = 1.0
"""


@pytest.fixture
def proxy(dsn: str) -> Iterator[DatabaseProxy]:
    with DatabaseProxy(dsn) as proxy:
        yield proxy


@pytest.fixture
def database_url(proxy: DatabaseProxy) -> str:
    return url_of(proxy.dsn)


def lose(proxy: DatabaseProxy, kind: str, place: Place, ending: Ending) -> Fault:
    return proxy.inject(Fault(of_kind(kind), place, ending))


def test_while_a_completion_is_sent(
    proxy: DatabaseProxy,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    worker = start_worker()
    fault = lose(proxy, "completion", Place.BEFORE, Ending.SILENT)
    enqueue_panels(producer, origin, ROWS)
    assert fault.struck.wait(MOST_SECONDS)
    wait_for_statuses(producer, timeout_seconds=MOST_SECONDS, ready=ROWS)
    assert {row["attempts"] for row in all_rows(producer)} == {1}
    assert len(cloudinary.uploads) == ROWS
    assert worker.logged("outcome waits for the database")


def test_while_a_completion_is_sent_and_a_stop_comes(
    proxy: DatabaseProxy, producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    """What was sent is written on another connection, and what hangs is given back."""
    worker = start_worker(SHUTDOWN_GRACE_SECONDS="5", DATABASE_TIMEOUT_SECONDS="15")
    enqueue_panel(producer, origin, "hangs.jpg", [Hang(threading.Event())])
    origin.wait_for_requests(1)
    fault = lose(proxy, "completion", Place.BEFORE, Ending.SILENT)
    enqueue_panel(producer, origin)
    assert fault.struck.wait(MOST_SECONDS)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert statuses(producer) == {"ready": 1, "pending": 1}, worker.shown_log()
    assert worker.logged("worker stopped")[0]["given_back"] == 1


def test_while_a_sweep_comes_to_its_end(
    proxy: DatabaseProxy,
    producer: psycopg.Connection,
    origin: Origin,
    settings: dict[str, str],
) -> None:
    enqueue_panel(producer, origin, "hangs.jpg", [Hang(threading.Event())])
    enqueue_panel(producer, origin)
    lose(proxy, "completion", Place.BEFORE, Ending.SILENT)
    with closing(StoryboardWorker({**settings, "DATABASE_TIMEOUT_SECONDS": "20"})) as command:
        swept = command("sweep", "--json", "--max-seconds", "4")
    assert swept.code == 0, swept.shown()
    assert swept.json["released"] == 2
    assert statuses(producer) == {"pending": 2}


def test_while_the_keeper_beats(
    proxy: DatabaseProxy, producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    """A row that takes longer than its lease keeps it, and the worker counts as alive."""
    go_on = threading.Event()
    worker = start_worker(LEASE_SECONDS="6", DATABASE_TIMEOUT_SECONDS="1")
    id_ = enqueue_panel(producer, origin, faults=[Hang(go_on)])
    origin.wait_for_requests(1)
    renewal = lose(proxy, "renewal", Place.BEFORE, Ending.SILENT)
    beat = lose(proxy, "beat", Place.BEFORE, Ending.SILENT)
    assert renewal.struck.wait(MOST_SECONDS)
    assert beat.struck.wait(MOST_SECONDS)

    def is_held_for_longer_than_its_lease() -> bool:
        assert producer.execute(ALIVE).fetchall() == [(True,)]
        return producer.execute(HELD_FOR_LONG, [id_]).fetchone() == (True,)

    eventually(is_held_for_longer_than_its_lease)
    go_on.set()
    wait_for_statuses(producer, ready=1)
    assert [row["attempts"] for row in all_rows(producer)] == [1]
    assert len(origin.requests) == 1
    assert worker.logged("keeper waits for the database")


def test_the_one_that_listens(
    proxy: DatabaseProxy, producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    """Polling would find the row only after half a minute."""
    worker = start_worker(PROVEN_SOON, POLL_INTERVAL_SECONDS="30")
    worker.wait_for_log("listening for new rows")
    assert proxy.silence_those_that_said("LISTEN") == 1
    [ended] = worker.wait_for_log("listening ended", timeout_seconds=MOST_SECONDS)
    assert ended["reason"] == "notifications have ceased to arrive"
    worker.wait_for_log("listening for new rows", count=2)
    enqueue_panel(producer, origin)
    wait_for_statuses(producer, timeout_seconds=5, ready=1)


@pytest.mark.parametrize("ending", Ending)
def test_with_the_answer_to_a_claim(
    ending: Ending,
    proxy: DatabaseProxy,
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
) -> None:
    """Rows with one attempt are tried once."""
    for number in range(ROWS):
        enqueue_panel(producer, origin, f"once-{number}.jpg", max_attempts=1)
    # The first claim of a worker is for rows that were never tried.
    fault = lose(proxy, "claim", Place.AFTER, ending)
    worker = start_worker()
    assert fault.struck.wait(MOST_SECONDS)
    wait_for_statuses(producer, timeout_seconds=MOST_SECONDS, ready=ROWS)
    assert {row["attempts"] for row in all_rows(producer)} == {1}
    assert len(origin.requests) == ROWS
    assert worker.logged("given back: the answer to their claim was lost"), worker.shown_log()


@pytest.mark.parametrize("ending", Ending)
def test_with_the_answer_to_a_completion(
    ending: Ending,
    proxy: DatabaseProxy,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    start_worker: StartWorker,
) -> None:
    """The row is ready, and the log says so."""
    worker = start_worker()
    worker.wait_for_log("listening for new rows")
    fault = lose(proxy, "completion", Place.AFTER, ending)
    enqueue_panel(producer, origin)
    assert fault.struck.wait(MOST_SECONDS)
    worker.wait_for_log("storyboard ready", timeout_seconds=MOST_SECONDS)
    assert not worker.logged("storyboard lease lost")
    assert [(row["status"], row["attempts"]) for row in all_rows(producer)] == [("ready", 1)]
    assert len(cloudinary.uploads) == 1
