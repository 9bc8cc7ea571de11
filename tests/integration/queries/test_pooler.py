"""Behind a transaction pooler: no session state, no prepared statements, and no notifications."""

import logging
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database import Database, schema
from storyboard_worker.queries import notifications
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.connection_kind import ConnectionKind
from storyboard_worker.queries.counts import StoryboardCounts
from storyboard_worker.queries.notifications import notifications_arrive
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.queries.upkeep import Upkeep
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.worker.listener import Listener
from tests.integration.queries.working import IMAGE, TIMEOUT, claim_any, lapse
from tests.support.producing import storyboard
from tests.support.revisions import REVISIONS
from tests.support.watching import until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = pytest.mark.skipif(
    PGBOUNCER is None, reason="needs pgbouncer (apt-get install pgbouncer)"
)

CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
pool_mode = transaction
default_pool_size = 2
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
"""

Pooled = Callable[[str], str]


@pytest.fixture(scope="module")
def pooled(server_dsn: str) -> Iterator[Pooled]:
    """The worker's way to a database through the pooler."""
    parts = conninfo.conninfo_to_dict(server_dsn)
    kept = {name: parts[name] for name in ("host", "port", "user", "password") if parts.get(name)}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "pgbouncer.ini"
        server = " ".join(f"{name}={value}" for name, value in kept.items())
        file.write_text(CONFIGURATION.format(server=server, port=port))
        with subprocess.Popen(
            [str(PGBOUNCER), "-q", *user_options(str(parts["host"])), str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as pooler:
            until(lambda: answers(port))
            yield lambda dsn: conninfo.make_conninfo(
                host="127.0.0.1",
                port=port,
                user=parts.get("user"),
                dbname=conninfo.conninfo_to_dict(dsn)["dbname"],
            )
            pooler.terminate()


def user_options(host: str) -> list[str]:
    """It refuses to run as root, and needs access to the server's socket."""
    if os.geteuid() != 0:
        return []
    return ["-u", Path(host).owner() if Path(host).is_dir() else "nobody"]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture
def pooled_database(pooled: Pooled, dsn: str) -> Iterator[Database]:
    database = Database(pooled(dsn), max_connections=4)
    yield database
    database.close()


def queue_on(database: Database) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="worker-1", lease_seconds=60)


def test_connections_really_share_the_servers(pooled: Pooled, dsn: str) -> None:
    """Otherwise the tests here would prove nothing."""
    clients = [psycopg.connect(pooled(dsn), autocommit=True) for _ in range(6)]
    pids = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients}
    for client in clients:
        client.close()
    assert len(pids) <= 2


def test_the_life_of_a_row(pooled_database: Database, producer: psycopg.Connection) -> None:
    queue = queue_on(pooled_database)
    upkeep = Upkeep(pooled_database, max_attempts=8)
    [storyboard_id] = StoryboardRows(pooled_database).enqueue(["https://images.example/a"])
    [first] = queue.claim(4, without_upstreams=["paused.example"])
    assert queue.renew([first]) == []
    queue.retry(first, TIMEOUT, delay_seconds=0)
    [second] = claim_any(queue, 4)
    lapse(producer, storyboard_id)
    assert [lapsed.id for lapsed in upkeep.rescue()] == [storyboard_id]
    [third] = claim_any(queue, 4)
    assert queue.give_back([third]).count == 1
    [fourth] = claim_any(queue, 4)
    assert queue.renew([second, fourth]) == [second]
    queue.complete(fourth, IMAGE)
    row = storyboard(producer, storyboard_id)
    assert (row["status"], row["attempts"], row["cdn_url"]) == ("ready", 3, IMAGE.cdn_url)
    assert StoryboardCounts(pooled_database).read().ready == 1


@pytest.mark.parametrize("keep_plans", [False, True], ids=["", "plans are kept by mistake"])
def test_many_threads_over_few_servers(
    pooled_database: Database, producer: psycopg.Connection, *, keep_plans: bool
) -> None:
    """The pooler may have been put in between after notifications were proven to arrive."""
    pooled_database.keep_plans(allowed=keep_plans)
    StoryboardRows(pooled_database).enqueue([f"https://images.example/{n}" for n in range(120)])
    queue = queue_on(pooled_database)

    def work(_: int) -> int:
        done = 0
        while claims := queue.claim(5):
            assert queue.renew(claims) == []
            for claim in claims:
                queue.complete(claim, IMAGE)
                done += 1
        return done

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 120
    row = producer.execute(
        "SELECT count(*) FROM storyboards WHERE status = 'ready' AND attempts = 1"
    ).fetchone()
    assert row == (120,)


def test_migrate(pooled: Pooled, empty_dsn: str) -> None:
    database = Database(pooled(empty_dsn))
    assert schema.upgrade(database) == REVISIONS
    assert schema.upgrade(database) == []
    # A migration leaves none of its settings behind on the servers.
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "500ms"
    with database.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"
    database.close()


def test_a_listener_finds_out_that_it_hears_nothing(
    pooled_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifications, "PROOF_TIMEOUT_SECONDS", 0.3)
    register = WorkerRegister(pooled_database, lease_seconds=60)
    found: list[tuple[ConnectionKind, bool]] = []
    listener = Listener(
        pooled_database,
        register,
        wake=lambda: None,
        on_found=lambda kind, hearing: found.append((kind, hearing)),
    )
    with caplog.at_level(logging.WARNING):
        listener.start()
        until(lambda: "polling: LISTEN does not work here" in caplog.text)
    assert not listener.listening
    assert queue_on(pooled_database).claim(4) == []
    with pooled_database.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()
    assert kept == 0
    assert found == [(ConnectionKind.TRANSACTION_POOLER, False)]
    listener.stop()


def test_the_same_proof_succeeds_on_a_direct_connection(
    database: Database, register: WorkerRegister
) -> None:
    with database.listening("storyboards") as connection:
        assert notifications_arrive(connection, register)
