"""The database is away for a moment: a cron container has started before it, or it restarts."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from storyboard_worker.database.schema import newest_revision
from storyboard_worker.demo.faults import Hang
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_command import PATIENCE_SECONDS, Commands, Ran
from tests.support.database_faults import Ending, Fault, Place
from tests.support.database_proxy import DatabaseProxy
from tests.support.database_url import url_of
from tests.support.exchanges import of_kind
from tests.support.forked_command import ForkServer
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.producing import URL, storyboard
from tests.support.result import Result
from tests.support.waiting import statuses, wait_for_statuses

ABSENCE_SECONDS = 3.0
TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'storyboard-worker'"
)


@contextmanager
def away_at_first(dsn: str) -> Iterator[DatabaseProxy]:
    """Connections are refused for the first seconds."""
    with DatabaseProxy(dsn) as proxy:
        proxy.refuse()
        comes = threading.Timer(ABSENCE_SECONDS, proxy.accept)
        comes.start()
        try:
            yield proxy
        finally:
            comes.join()


def test_commands_wait_for_a_database_that_starts_late(
    databases: Databases, empty_dsn: str, origin: Origin, commands: Commands
) -> None:
    def sweep() -> None:
        with databases.one() as (dsn, producer), away_at_first(dsn) as proxy:
            enqueue_panels(producer, origin, 3)
            assert done(commands.run_at(proxy, "sweep", "--json")).json["ready"] == 3

    def process() -> None:
        with databases.one() as (dsn, producer), away_at_first(dsn) as proxy:
            id_ = enqueue_panel(producer, origin)
            done(commands.run_at(proxy, "process", id_))
            assert storyboard(producer, id_)["status"] == "ready"

    def enqueue() -> None:
        with databases.one() as (dsn, producer), away_at_first(dsn) as proxy:
            done(commands.run_at(proxy, "enqueue", URL))
            assert statuses(producer) == {"pending": 1}

    def migrate() -> None:
        with away_at_first(empty_dsn) as proxy:
            assert str(newest_revision()) in done(commands.run_at(proxy, "migrate")).out

    def done(ran: Ran) -> Result:
        result = ran.ended()
        assert result.code == 0, ran.told()
        assert ran.seconds > ABSENCE_SECONDS
        return result

    with ThreadPoolExecutor() as threads:
        for future in [threads.submit(run) for run in (sweep, process, enqueue, migrate)]:
            future.result()


def test_a_sweep_goes_on_when_all_its_connections_have_ended(
    dsn: str,
    producer: psycopg.Connection,
    origin: Origin,
    forks: ForkServer,
    settings: dict[str, str],
) -> None:
    enqueue_panels(producer, origin, 63)
    with DatabaseProxy(dsn) as proxy:
        # The claim also meets the absence, not only outcomes, which are written in any case.
        cut = proxy.inject(Fault(of_kind("claim"), Place.BEFORE, Ending.CUT, occurrence=2))
        sweep = forks.start(["sweep", "--json"], {**settings, "DATABASE_URL": url_of(proxy.dsn)})
        assert cut.struck.wait(PATIENCE_SECONDS)
        producer.execute(TERMINATE)
        result = sweep.wait(PATIENCE_SECONDS)
    assert result is not None
    assert result.code == 0, result.shown()
    assert (result.json["ready"], result.json["complete"]) == (63, True)
    assert {(row["status"], row["attempts"]) for row in all_rows(producer)} == {("ready", 1)}


def test_a_sweep_whose_database_stays_away_tells_what_it_did(
    dsn: str,
    producer: psycopg.Connection,
    origin: Origin,
    forks: ForkServer,
    settings: dict[str, str],
) -> None:
    """Sixteen images are under way when it goes. Their outcomes cannot be written."""
    go_on = threading.Event()
    enqueue_panels(producer, origin, 4)
    enqueue_panels(producer, origin, 20, [Hang(go_on)], prefix="hangs")
    with DatabaseProxy(dsn) as proxy:
        sweep = forks.start(
            ["sweep", "--json", "--max-seconds", "3"],
            {**settings, "DATABASE_URL": url_of(proxy.dsn)},
        )
        origin.wait_for_requests(16 + 4)
        wait_for_statuses(producer, ready=4, processing=16, pending=4)
        proxy.silence()
        go_on.set()
        result = sweep.wait(PATIENCE_SECONDS)
    assert result is not None
    assert result.code == 69, result.shown()
    assert result.json["ready"] == 4
    assert result.json["complete"] is False
