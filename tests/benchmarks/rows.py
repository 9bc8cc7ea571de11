"""The producer and the reader of a measurement: rows in, outcomes out."""

import time
from collections.abc import Sequence
from typing import Self

from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.server import BenchDatabase

INSERT = """
INSERT INTO storyboards (source_url) SELECT %s || '/' || n FROM generate_series(1, %s) n
"""

COUNTS = """
SELECT count(*), count(*) FILTER (WHERE status = 'ready'),
    count(*) FILTER (WHERE status = 'failed'), min(error_code)
FROM storyboards
"""


class Rows:
    """The harness's own connection to a database; ``with`` closes it.

    ``transactions`` are those that it has cost so far.
    """

    def __init__(self, database: BenchDatabase) -> None:
        self._database = database
        self._connection = database.connect()
        self.transactions = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def insert(self, count: int, source_url: str) -> int:
        """Insert rows like a producer, in one statement. Answers with the moment when they could
        be taken, as :func:`time.monotonic_ns` counts."""
        self.transactions += 1
        self._connection.execute(INSERT, [source_url, count])
        return time.monotonic_ns()

    def have_workers(self, pids: Sequence[int], count: int) -> bool:
        """Whether so many workers of these processes have registered."""
        self.transactions += 1
        found = self._connection.execute(
            "SELECT count(*) FROM storyboard_workers WHERE pid = ANY(%s)", [list(pids)]
        ).fetchone()
        return found == (count,)

    def are_left_alone(self) -> bool:
        """Whether no session runs a statement, or did a moment ago."""
        return self._database.is_resting()

    def all_ready(self, count: int) -> bool:
        """Whether all ``count`` rows are ready."""
        self.transactions += 1
        found = self._connection.execute(COUNTS).fetchone()
        assert found is not None
        total, ready, failed, error_code = found
        check(failed == 0, f"{failed} rows failed ({error_code})")
        check(total == count, f"there are {total} rows instead of {count}")
        return bool(ready == count)

    def wait_until_ready(self, count: int, *, every_seconds: float = 0.01) -> None:
        wait_until(
            lambda: self.all_ready(count),
            f"{count} rows to become ready",
            every_seconds=every_seconds,
        )
