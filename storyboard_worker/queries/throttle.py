"""Does expensive things more rarely, so that they take only a small share of the time."""

import time
from collections.abc import Callable

# It may take one part in so many of the time.
SHARE = 20
# A shorter time is not worth saving.
NEGLIGIBLE_SECONDS = 0.0003


class Throttle:
    """Says when something may be done again, from the time that it took last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._again_at = float("-inf")

    @property
    def seconds_until_affordable(self) -> float:
        return max(0.0, self._again_at - self._clock())

    def spent(self, seconds: float) -> None:
        """It was done and took ``seconds``."""
        if seconds > NEGLIGIBLE_SECONDS:
            self._again_at = self._clock() + seconds * SHARE
