"""The prune of a sweep: what it has to tell becomes a line of the log, or an alarm."""

import logging
import time
from datetime import timedelta

from storyboard_worker.logs import event
from storyboard_worker.worker.alarms import PRUNE, Alarm, Alarms
from storyboard_worker.worker.prune import Prune, Pruned

# A look at all rows may take seconds, and the hard end of a sweep must not come in the middle.
SHORTEST_SECONDS = 5.0
MARGIN_SECONDS = 1.0


class Pruning:
    """``older_than``: for how long no row has shown what is deleted."""

    def __init__(self, prune: Prune, older_than: timedelta, alarms: Alarms) -> None:
        self._prune = prune
        self._older_than = older_than
        self._alarms = alarms

    @property
    def gone(self) -> int:
        """How many pictures have gone so far."""
        return self._prune.pruned.gone

    def run(self, ends_at: float) -> list[str]:
        """Prune until ``ends_at`` on the monotonic clock; the messages of alarms that it raised.

        What the next sweep goes on with raises none. Raises :class:`DatabaseUnavailable`.
        """
        if ends_at - time.monotonic() < SHORTEST_SECONDS:
            return []
        pruned = self._prune.run(self._older_than, ends_at - MARGIN_SECONDS)
        if pruned.reason is None:
            return []
        if pruned.is_fault:
            return self._alarms.raise_one(_alarm(pruned))
        event(logging.WARNING, "pruning ends early", reason=pruned.reason, left=pruned.left)
        return []


def _alarm(pruned: Pruned) -> Alarm:
    return Alarm(
        PRUNE,
        f"{pruned.left} picture(s) that no row shows cannot be deleted: {pruned.reason}",
        "storyboard-worker prune --dry-run; storyboard-worker doctor",
        {"deleted": pruned.deleted, "left": pruned.left},
    )
