"""The hard end of a graceful stop."""

import logging

from storyboard_worker.hard_end import HardEnd
from storyboard_worker.logs import event

EXIT_STOPPED = 0
# Even without a grace there must be time to give rows back.
SHORTEST_SECONDS = 1.0
LAST_WORDS_SECONDS = 1.0


class Grace(HardEnd):
    """Ends the process when a stop takes longer than ``seconds``.

    A database that takes connections and never answers would otherwise hold the stop up for
    one time-out after the other.
    """

    def __init__(self, seconds: float) -> None:
        limit_seconds = max(seconds, SHORTEST_SECONDS)

        def tell() -> None:
            event(logging.WARNING, "the grace is over, stopping at once", seconds=limit_seconds)

        super().__init__(limit_seconds, EXIT_STOPPED, tell, tell_seconds=LAST_WORDS_SECONDS)
