"""Where in the order of urgency the next claim begins, so that claims stay quick.

A claim walks along its index from the most urgent row. Two things may lie before the first row
that it can take, and make every walk longer than the last: index entries of rows taken long ago,
which stay as long as an old snapshot in the database might see them, and rows that wait for
another attempt.

A claim that begins where the last one ended avoids that walk. But it passes over rows that have
become more urgent since. So one claim in many begins there, to measure a claim without the walk.
While the walk makes claims slower than that, nearly all claims begin there. Full passes then get
a small share of the time.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

from storyboard_worker.queries.throttle import Throttle

# The values of `claim_statements.RANK`, as text.
Rank = tuple[str, ...]

ONWARD_ONE_IN = 50
# The quickest of so many passes counts. Noise slows some of them, hardly ever all.
REMEMBERED = 8


class _Durations:
    """The durations of passes of one kind that took rows, in seconds."""

    def __init__(self) -> None:
        self.whole: deque[float] = deque(maxlen=REMEMBERED)
        self.onward: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def walk_seconds(self) -> float:
        """How much time the walk adds to a pass; 0 while that is not known."""
        if not self.onward or len(self.whole) < REMEMBERED:
            return 0.0
        return max(0.0, min(self.whole) - min(self.onward))


class ClaimCursor:
    """The cursor of one worker. Its threads may claim at the same time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._walk = Throttle(clock)
        self._durations: defaultdict[str, _Durations] = defaultdict(_Durations)
        self._reached: Rank | None = None
        self._passes = 0
        self._began_onward = False
        self._lock = threading.Lock()

    @property
    def start(self) -> Rank | None:
        """The rank behind which the next claim begins; ``None``: at the most urgent row."""
        is_measure = self._passes % ONWARD_ONE_IN == ONWARD_ONE_IN - 1
        return self._reached if is_measure or self._walk.seconds_until_affordable else None

    def passed(self, kind: str, start: Rank | None, reached: Rank | None, seconds: float) -> None:
        """A claim began behind ``start``, took rows up to ``reached`` (if any), and took so long.

        Passes of one ``kind`` do the same work beside the claim, so their times can be compared.
        """
        with self._lock:
            self._passes += 1
            self._began_onward = start is not None
            self._reached = reached or self._reached
            durations = self._durations[kind]
            if reached is not None:
                (durations.whole if start is None else durations.onward).append(seconds)
            if start is None:
                self._walk.spent(durations.walk_seconds)

    def failed(self, start: Rank | None, seconds: float) -> None:
        """A claim failed, maybe because its walk took too long for the database."""
        if start is None:
            self._walk.spent(seconds)

    @property
    def seconds_until_full_pass(self) -> float | None:
        """Seconds until a claim may see rows that the last one passed over; ``None``: none."""
        return self._walk.seconds_until_affordable if self._began_onward else None
