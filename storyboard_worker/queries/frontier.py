"""Where in the order of urgency a claim begins, so that it does not grow slow.

A claim walks along its index from the most urgent row. Two things may lie before the first row
that it can take, and make each walk longer than the one before: entries of rows taken long ago,
which stay as long as an old snapshot anywhere in the database might see them, and rows that wait
for another attempt. So a claim begins where the last one ended, and from the beginning again
only as often as that costs a small share of the time: always, while it costs nothing to speak
of. Until then a row that is more urgent than those taken last has to wait.
"""

import threading
import time
from collections.abc import Callable

from storyboard_worker.queries.thrift import Thrift

# The values of `claim_statements.RANK`, as text.
Rank = tuple[str, ...]


class Frontier:
    """Of one worker, whose threads may claim at the same time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._whole_pass = Thrift(clock)
        self._reached: Rank | None = None
        self._fastest_seconds: dict[str, float] = {}
        self._began_onward = False
        self._lock = threading.Lock()

    @property
    def start(self) -> Rank | None:
        """After which row the next claim begins; ``None``: at the most urgent one."""
        return self._reached if self._whole_pass.seconds_until_affordable else None

    def passed(self, kind: str, start: Rank | None, reached: Rank | None, seconds: float) -> None:
        """A claim began after ``start``, took rows up to ``reached`` (if any), and so long.

        By how much longer than it should is seen beside the fastest of its ``kind``, which is
        what the way to the database and back takes, and whatever else is done on it.
        """
        with self._lock:
            fastest = min(seconds, self._fastest_seconds.get(kind, seconds))
            self._fastest_seconds[kind] = fastest
            self._reached = reached or self._reached
            self._began_onward = start is not None
            if not self._began_onward:
                self._whole_pass.spent(seconds - fastest)

    @property
    def seconds_until_whole_pass(self) -> float | None:
        """When rows that the last claim has passed over can be seen; ``None``: there are none."""
        return self._whole_pass.seconds_until_affordable if self._began_onward else None
