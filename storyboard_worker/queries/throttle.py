"""What costs much is done more rarely, so that it never takes more than a small share."""

import time
from collections.abc import Callable

# One part in so many of the time may go into it.
SHARE = 20
# Less than this is not worth sparing.
NEGLIGIBLE_SECONDS = 0.0003


class Throttle:
    """Says when something may be done again, from what it cost the last time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._again_at = float("-inf")

    @property
    def seconds_until_affordable(self) -> float:
        return max(0.0, self._again_at - self._clock())

    def spent(self, seconds: float) -> None:
        if seconds > NEGLIGIBLE_SECONDS:
            self._again_at = self._clock() + seconds * SHARE
