"""How long an idle worker waits before it looks again."""

import random
from collections.abc import Iterable

LISTENING_INTERVAL_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.1
GROWTH = 2.0
# Workers that started together do not stay in step; never longer than the interval.
JITTER = (0.9, 1.0)


class Idling:
    """Adaptive polling: soon after work was found, then ever rarer up to an interval.

    The interval is ``poll_interval_seconds``; while notifications arrive it is 30 s, because
    looking is then only the net under them.
    """

    def __init__(self, poll_interval_seconds: float, jitter: random.Random | None = None) -> None:
        self._poll_interval_seconds = poll_interval_seconds
        self._jitter = jitter or random.SystemRandom()
        self._next_seconds = FIRST_WAIT_SECONDS

    def found_work(self) -> None:
        """Start over with short waits."""
        self._next_seconds = FIRST_WAIT_SECONDS

    def wait_seconds(self, *, listening: bool, known: Iterable[float | None] = ()) -> float:
        """How long to wait now; no longer than any of the ``known`` times to the next event."""
        interval = self._interval(listening=listening) * self._jitter.uniform(*JITTER)
        return min([interval, *(seconds for seconds in known if seconds is not None)])

    def _interval(self, *, listening: bool) -> float:
        if listening:
            return max(LISTENING_INTERVAL_SECONDS, self._poll_interval_seconds)
        interval = min(self._next_seconds, self._poll_interval_seconds)
        self._next_seconds = min(self._next_seconds * GROWTH, self._poll_interval_seconds)
        return interval
