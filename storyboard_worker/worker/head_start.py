"""The head start of a row that comes to an idle worker: its claim is sent at once.

While the worker waits, the claim is made ready. When a notification comes it takes one system call
to send it, and the loop does its usual bookkeeping while the database works.
"""

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import DatabaseUnavailable, SchemaOutdated
from storyboard_worker.logs import log
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.worker.slots import Slots


class HeadStart:
    """For the thread of the claim loop. Its steps come in this order: :meth:`prepare`, a wait,
    :meth:`begin`, the loop's own claim, :meth:`end`."""

    def __init__(
        self, queue: StoryboardQueue, slots: Slots, breakers: Breakers, restraint: Restraint
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._breakers = breakers
        self._restraint = restraint

    def prepare(self) -> None:
        """Make a claim ready, if nothing is under way and all is well."""
        if not self._is_easy:
            return
        # Rows that have been tried before keep their share of the slots.
        limit = self._slots.free - self._slots.free_for_suspects
        if limit > 0:
            try:
                self._queue.make_claim_ready(limit)
            except (DatabaseUnavailable, SchemaOutdated) as error:
                # The next claim will meet it too, and tells of it.
                log.debug("no claim is made ready: %s", error)

    def begin(self, *, row_arrived: bool) -> None:
        """Send the claim that is ready if a row has arrived; else it is not needed."""
        if row_arrived and self._is_easy:
            self._queue.send_claim()
        else:
            self._queue.drop_ready_claim()

    @property
    def is_under_way(self) -> bool:
        """A claim was sent, and its answer has not been taken."""
        return self._queue.claim_is_under_way

    def end(self) -> None:
        """Leave what was claimed and not asked for to the slots: something has changed since, and
        they hold it back for as long as rows may not begin."""
        if self._queue.claim_is_under_way:
            claims = self._queue.claim(self._slots.count)
            self._slots.take(most=len(claims), ahead=len(claims))
            for claim in claims:
                self._slots.start(claim, ahead=True)
        self._queue.drop_ready_claim()

    @property
    def _is_easy(self) -> bool:
        """Every row may be started, and no attempt can change that."""
        return not self._slots.busy and self._breakers.all_closed and not self._restraint.holds_back
