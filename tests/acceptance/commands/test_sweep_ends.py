"""``sweep`` always comes to its end."""

import signal
import threading
import time

import psycopg
import pytest
from psycopg import sql

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, Hang
from storyboard_worker.demo.origin import Origin
from tests.support.database_url import url_of
from tests.support.databases import NewDatabase
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.running_command import StoryboardWorker, finish
from tests.support.tallies import tally


def given_back(producer: psycopg.Connection) -> bool:
    """Every row waits as if no worker had touched it."""
    rows = all_rows(producer)
    assert rows
    return {(row["status"], row["attempts"], row["claim_token"]) for row in rows} == {
        ("pending", 0, None)
    }


def test_the_hard_end_gives_back_what_hangs(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panels(producer, origin, 3, [Hang(threading.Event())])

    swept = storyboard_worker("sweep", "--max-seconds", "3", "--json")

    assert swept.code == 0
    found = tally(swept)
    assert 2 < found["seconds"] < 8
    assert found["complete"] is False
    assert found["released"] == found["processed"] == 3
    assert given_back(producer)


def test_what_ends_before_the_hard_end_counts(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panel(producer, origin, "hangs.jpg", [Hang(threading.Event())])
    enqueue_panels(producer, origin, 3)

    found = tally(storyboard_worker("sweep", "--max-seconds", "3", "--json"))

    assert (found["ready"], found["released"], found["processed"]) == (3, 1, 4)
    assert found["complete"] is False


@pytest.mark.parametrize("limit", [[], ["--limit", "2"]], ids=["all", "limited"])
def test_a_signal_gives_back_and_ends_it_quickly(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    limit: list[str],
) -> None:
    enqueue_panels(producer, origin, 2, [Hang(threading.Event())])
    sweep = storyboard_worker.start("sweep", "--json", *limit, SHUTDOWN_GRACE_SECONDS="0.5")
    origin.wait_for_requests(2, timeout_seconds=30)

    asked_at = time.monotonic()
    sweep.signal(signal.SIGTERM)
    swept = finish(sweep)

    assert swept.code == 0
    assert time.monotonic() - asked_at < 5
    found = tally(swept)
    assert (found["released"], found["complete"]) == (2, False)
    assert given_back(producer)


def test_a_wrong_secret_ends_it_and_costs_no_attempt(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
) -> None:
    enqueue_panels(producer, origin, 6)

    swept = storyboard_worker(
        "sweep", "--json", CLOUDINARY_API_SECRET="not-the-one", WORKER_CONCURRENCY="2"
    )

    assert swept.code == 0
    found = tally(swept)
    assert found["released"] == found["processed"] == 2, "then Cloudinary is left alone"
    assert found["complete"] is False
    assert found["seconds"] < 20
    assert given_back(producer)
    assert cloudinary.uploads == []
    codes = {row["error_code"] for row in all_rows(producer)}
    assert codes == {"storage_unauthorized", None}


def test_a_row_that_was_released_is_not_done_though_nothing_is_due(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panel(producer, origin, faults=[Answer(429, headers={"Retry-After": "600"})])

    found = tally(storyboard_worker("sweep", "--json"))

    assert (found["released"], found["processed"]) == (1, 1)
    assert found["complete"] is False
    assert given_back(producer)


def test_rows_of_a_host_that_is_down_are_left_and_the_tally_says_so(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panels(producer, origin, 7, [Answer(503, always=True)])

    found = tally(storyboard_worker("sweep", "--json", WORKER_CONCURRENCY="1"))

    # A sweep waits during short pauses, and then leaves the rows to the next sweep.
    assert 5 < found["retried"] == found["processed"] < 30
    assert 5 < found["seconds"] < 60
    assert found["complete"] is False


def close_to_everybody(server_dsn: str, database: str) -> None:
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        name = sql.Identifier(database)
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )


def test_a_database_that_goes_away_ends_it_with_69(
    storyboard_worker: StoryboardWorker,
    server_dsn: str,
    new_database: NewDatabase,
    template: str,
    origin: Origin,
) -> None:
    goes_on = threading.Event()
    with new_database(template) as dsn:
        with psycopg.connect(dsn, autocommit=True) as producer:
            enqueue_panels(producer, origin, 2, [Hang(goes_on)])
            database = producer.info.dbname
        sweep = storyboard_worker.start(
            *("sweep", "--json", "--max-seconds", "6"), DATABASE_URL=url_of(dsn)
        )
        origin.wait_for_requests(2, timeout_seconds=30)
        close_to_everybody(server_dsn, database)
        goes_on.set()
        swept = finish(sweep)

    assert swept.code == 69
    found = tally(swept)
    assert (found["processed"], found["complete"]) == (0, False), "what was done is told"
    (error,) = swept.error_lines
    assert error.startswith("Error: the database is unreachable")
