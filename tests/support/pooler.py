"""A transaction pooler before the database, as on Supabase's port 6543: PgBouncer."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

START_SECONDS = 10.0

CONFIGURATION = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 4
admin_users = {user}
"""


def transaction_pooler(dsn: str) -> AbstractContextManager[str]:
    """The DSN of the same database behind PgBouncer; skips the test where there is none."""
    return _pooler(dsn, "transaction")


def session_pooler(dsn: str) -> AbstractContextManager[str]:
    """The same with a server process for each client."""
    return _pooler(dsn, "session")


@contextmanager
def _pooler(dsn: str, mode: str) -> Iterator[str]:
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    server = conninfo.conninfo_to_dict(dsn)
    database = str(server.pop("dbname"))
    user = server.get("user", "postgres")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="storyboard-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                server=conninfo.make_conninfo("", **server), port=port, mode=mode, user=user
            )
        )
        log = folder / "log"
        with log.open("wb") as output:
            command = [program, *_user(str(server.get("host", ""))), str(configuration)]
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            pooled = conninfo.make_conninfo(
                "", host="127.0.0.1", port=port, dbname=database, user=user
            )
            _wait_until_it_serves(pooled, process, log)
            yield pooled
        finally:
            process.kill()
            process.wait()


def _user(server_host: str) -> list[str]:
    """PgBouncer refuses to run as root. The owner of the server's socket may reach it."""
    if os.geteuid() != 0:
        return []
    return ["-u", Path(server_host).owner() if server_host.startswith("/") else "nobody"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_until_it_serves(dsn: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(dsn, autocommit=True).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends_at, log.read_text()
            time.sleep(0.02)
        else:
            return


@contextmanager
def paused(pooled_dsn: str) -> Iterator[None]:
    """Within the block the pooler reads everything and answers nothing."""
    console = conninfo.make_conninfo(pooled_dsn, dbname="pgbouncer")
    with psycopg.connect(console, autocommit=True) as connection:
        connection.execute("PAUSE")
        try:
            yield
        finally:
            connection.execute("RESUME")
