"""Where in the order of urgency a claim begins, so that it does not grow slow.

A claim walks along its index from the most urgent row. Two things may lie before the first row
that it can take, and make each walk longer than the one before: entries of rows taken long ago,
which stay as long as an old snapshot anywhere in the database might see them, and rows that wait
for another attempt. Beginning where the last claim ended costs nothing of that, but passes over
what has become more urgent meanwhile. So one claim in many begins there, to know how long the
way to the database and back takes without the walk; and all of them do while the walk makes the
others slower than that, but for as many as take a small share of the time.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

from storyboard_worker.queries.throttle import Throttle

# The values of `claim_statements.RANK`, as text.
Rank = tuple[str, ...]

ONWARD_ONE_IN = 50
# The quickest of so many: noise makes one slow, or three, and not all of them.
REMEMBERED = 8


class _Durations:
    """Of passes of one kind that took rows."""

    def __init__(self) -> None:
        self.whole: deque[float] = deque(maxlen=REMEMBERED)
        self.onward: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def walk_seconds(self) -> float:
        """By how much the walk makes a pass slower; 0 while that is not known."""
        if not self.onward or len(self.whole) < REMEMBERED:
            return 0.0
        return max(0.0, min(self.whole) - min(self.onward))


class ClaimCursor:
    """Of one worker, whose threads may claim at the same time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._walk = Throttle(clock)
        self._durations: defaultdict[str, _Durations] = defaultdict(_Durations)
        self._reached: Rank | None = None
        self._passes = 0
        self._began_onward = False
        self._lock = threading.Lock()

    @property
    def start(self) -> Rank | None:
        """After which row the next claim begins; ``None``: at the most urgent one."""
        is_measure = self._passes % ONWARD_ONE_IN == ONWARD_ONE_IN - 1
        return self._reached if is_measure or self._walk.seconds_until_affordable else None

    def passed(self, kind: str, start: Rank | None, reached: Rank | None, seconds: float) -> None:
        """A claim began after ``start``, took rows up to ``reached`` (if any), and so long.

        Passes of one ``kind`` do the same besides, so that they can be compared.
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
        """The database broke a claim off, maybe because the walk was too long for it."""
        if start is None:
            self._walk.spent(seconds)

    @property
    def seconds_until_full_pass(self) -> float | None:
        """When rows that the last claim has passed over can be seen; ``None``: there are none."""
        return self._walk.seconds_until_affordable if self._began_onward else None
