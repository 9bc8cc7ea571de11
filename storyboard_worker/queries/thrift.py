"""What has become slow is done more rarely, so that it never takes more than a small share."""

import time
from collections import deque
from collections.abc import Callable

# One part in so many of the time may go into what is slow.
SHARE = 20
# The quickest of so many: noise makes one slow, or three, and not all of them.
REMEMBERED = 8
# Less than this is not worth sparing.
NEGLIGIBLE_SECONDS = 0.0003


class Thrift:
    """Says when something may be done again, from how much longer it took lately than it should."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=REMEMBERED)
        self._again_at = float("-inf")

    @property
    def seconds_until_affordable(self) -> float:
        return max(0.0, self._again_at - self._clock())

    def spent(self, extra_seconds: float) -> None:
        """It was done, and took so much longer."""
        self._recent.append(extra_seconds)
        extra = min(self._recent)
        if len(self._recent) == REMEMBERED and extra > NEGLIGIBLE_SECONDS:
            self._again_at = self._clock() + extra * SHARE
