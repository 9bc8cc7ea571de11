"""Rows that were claimed ahead and may not begin are left to others, or to a better time."""

import logging
import time
from collections.abc import Callable, Sequence

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import event
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim
from storyboard_worker.worker.slots import Slots

# A renewal by the keeper has rows locked for some milliseconds.
FIRST_WAIT_SECONDS = 0.05
# A stop waits for the next try.
LONGEST_WAIT_SECONDS = 1.0


class HeldRows:
    """Of one shift. A row that cannot be given back this moment stays under way, so its lease is
    renewed, and is tried again after a wait that grows."""

    def __init__(
        self, queue: StoryboardQueue, slots: Slots, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._clock = clock
        self._again_at: float | None = None
        self._backoff = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)

    @property
    def seconds_until_again(self) -> float | None:
        """``None``: no row waits for another try."""
        return None if self._again_at is None else max(0.0, self._again_at - self._clock())

    def give_back(self) -> None:
        """Give back what is held, if it is time. Never raises: what the database does not take is
        tried again."""
        if self.seconds_until_again:
            return
        held = self._slots.held_back()
        if not held or self._gave_back_all(held):
            self._again_at = None
            self._backoff.reset()
        else:
            self._again_at = self._clock() + self._backoff.take()

    def _gave_back_all(self, held: list[Claim]) -> bool:
        try:
            given_back = self._queue.give_back(held)
        except (DatabaseUnavailable, SchemaOutdated) as error:
            event(logging.WARNING, "rows that may not begin wait for the database", reason=error)
            return False
        self._slots.drop([claim for claim in held if claim.token not in given_back.kept])
        if given_back.count:
            event(logging.INFO, "given back before they began", count=given_back.count)
        return not given_back.kept


def give_back_within(seconds: float, claims: Sequence[Claim], queue: StoryboardQueue) -> int:
    """How many rows went back. Those that are locked are tried again for so many seconds, the
    first try not counted.

    Raises :class:`DatabaseUnavailable` if the database is away twice in a row.
    """
    ends_at = time.monotonic() + seconds
    count = 0
    while claims:
        try:
            given_back = queue.give_back(claims)
        except DatabaseUnavailable:
            # One connection may be broken while others are well.
            given_back = queue.give_back(claims)
        count += given_back.count
        claims = [claim for claim in claims if claim.token in given_back.kept]
        if time.monotonic() >= ends_at:
            break
        if claims:
            time.sleep(FIRST_WAIT_SECONDS)
    return count
