"""A connection to a server that cannot write is not kept."""

import signal
import time

import psycopg
from psycopg import sql

from storyboard_worker.demo.origin import Origin
from tests.acceptance.odd.forwarder import forwarding, server_socket
from tests.acceptance.odd.making import set_defaults
from tests.support.database_url import url_of
from tests.support.own_postgres import OwnPostgres
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.running_command import StoryboardWorker, finish
from tests.support.running_worker import RunningWorker, StartWorker
from tests.support.tallies import tally
from tests.support.waiting import eventually, statuses, wait_for_statuses

SOON_SECONDS = 12.0


def test_a_database_that_becomes_writable(
    producer: psycopg.Connection, origin: Origin, start_worker: StartWorker
) -> None:
    set_defaults(producer, ["default_transaction_read_only = on"])
    enqueue_panel(producer, origin)
    worker = start_worker()
    [waits] = worker.wait_for_log("waiting for the database")
    assert "read-only transaction" in str(waits)
    worker.wait_for_log("keeper waits for the database")
    make_writable(producer)
    wait_for_statuses(producer, SOON_SECONDS, ready=1)
    worker.wait_for_log("listening for new rows", timeout_seconds=SOON_SECONDS)


def test_a_sweep_goes_on_when_the_database_becomes_writable(
    producer: psycopg.Connection, origin: Origin, storyboard_worker: StoryboardWorker
) -> None:
    set_defaults(producer, ["default_transaction_read_only = on"])
    enqueue_panel(producer, origin)
    sweeping = storyboard_worker.start("sweep", "--json")
    eventually(lambda: sessions(producer))
    make_writable(producer)
    swept = finish(sweeping)
    assert swept.code == 0, swept.shown()
    assert tally(swept)["ready"] == 1


def test_a_name_that_led_to_the_standby(
    own_server: OwnPostgres, origin: Origin, settings: dict[str, str]
) -> None:
    with (
        own_server.standby() as standby,
        forwarding(server_socket(standby)) as name,
        psycopg.connect(own_server.dsn, autocommit=True) as producer,
        psycopg.connect(standby, autocommit=True) as reader,
    ):
        enqueue_panels(producer, origin, 3)
        worker = RunningWorker({**settings, "DATABASE_URL": url_of(name.dsn(own_server.dsn))})
        try:
            worker.wait_for_log("waiting for the database")
            eventually(lambda: sessions(reader))
            name.target = server_socket(own_server.dsn)
            moved_at = time.monotonic()
            wait_for_statuses(producer, SOON_SECONDS, ready=3)
            worker.wait_for_log("listening for new rows", timeout_seconds=SOON_SECONDS)
            assert time.monotonic() - moved_at < SOON_SECONDS
            eventually(lambda: not sessions(reader))
            enqueue_panels(producer, origin, 3, prefix="later")
            wait_for_statuses(producer, ready=6)
            worker.signal(signal.SIGTERM)
            assert worker.wait() == 0
        finally:
            worker.stop_for_good()
        assert statuses(producer) == {"ready": 6}


def make_writable(producer: psycopg.Connection) -> None:
    name = sql.Identifier(producer.info.dbname)
    producer.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


def sessions(reader: psycopg.Connection) -> int:
    """The number of the worker's connections."""
    row = reader.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'storyboard-worker'"
    ).fetchone()
    assert row is not None
    return int(row[0])
