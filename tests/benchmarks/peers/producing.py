"""The producer of a peer: a row for each image, as for the worker, and a job for each row."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Self

from tests.benchmarks.checks import check
from tests.benchmarks.rows import Rows
from tests.benchmarks.server import BenchDatabase
from tests.support.process_environment import environment


class QueuedRows(Rows):
    """Rows that the jobs of a peer follow. ``command`` starts its producer, a process, which makes
    the tables of the queue first."""

    def __init__(
        self, command: Sequence[str], settings: Mapping[str, str], database: BenchDatabase
    ) -> None:
        super().__init__(database)
        self._producer = subprocess.Popen(
            command,
            env=environment({**settings, "DATABASE_URL": database.url}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self._answer()
        return self

    def __exit__(self, *parameters: object) -> None:
        self._producer.kill()
        self._producer.communicate()
        super().__exit__(*parameters)

    def insert(self, count: int, source_url: str) -> int:
        """Insert rows, and then add their jobs in one call."""
        super().insert(count, source_url)
        assert self._producer.stdin is not None
        self._producer.stdin.write("add\n")
        self._producer.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._producer.stdout is not None
        line = self._producer.stdout.readline()
        check(line != "", "the producer of a peer has ended by itself")
        return line
