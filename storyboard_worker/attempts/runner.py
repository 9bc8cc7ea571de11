"""Attempts: a slot's thread does the work, the thread that owns the slots writes the outcome."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.concluding import Settled, say_nothing
from storyboard_worker.attempts.outcome import Ended, OnEnded, Worked
from storyboard_worker.attempts.recalls import Recalls
from storyboard_worker.attempts.settling import Refill, Settling
from storyboard_worker.attempts.telling import News
from storyboard_worker.attempts.working import Working
from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import AttemptCancelled, ResourceExhausted
from storyboard_worker.logs import only_logged
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.copying import Transfer
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun

FIRST_DATABASE_WAIT_SECONDS = 0.1
LONGEST_DATABASE_WAIT_SECONDS = 5.0


class Attempts:
    """Shared by all slots of a worker. ``on_lack`` is called with a lack of our own that is to be
    told, once for those that come together."""

    def __init__(
        self,
        queue: StoryboardQueue,
        transfer: Transfer,
        breakers: Breakers,
        reporter: Reporter,
        restraint: Restraint,
        *,
        on_lack: Callable[[ResourceExhausted], None],
        max_own_errors: int = 8,
        jitter: random.Random | None = None,
    ) -> None:
        self.restraint = restraint
        self._transfer = transfer
        self._working = Working(
            transfer,
            breakers,
            reporter,
            restraint,
            max_own_errors=max_own_errors,
            jitter=jitter or random.SystemRandom(),
        )
        self._settling = Settling(queue, self._working, breakers, reporter, restraint)
        self._news = News(breakers, restraint, reporter, Recalls(queue), on_lack)

    def begin(self, claim: Claim, deadline: Deadline) -> Begun | None:
        """See :meth:`Transfer.begin`. Never raises: the attempt does without it."""
        with only_logged("asking for an image in advance"):
            return self._transfer.begin(claim, deadline)
        return None

    def work(self, attempt: Attempt) -> Worked:
        """Copy the image, in the caller's thread; nothing is written yet. Never raises."""
        return self._working.work(attempt)

    def refuse(self, attempt: Attempt, lack: ResourceExhausted) -> Worked:
        """The attempt cannot begin. Never raises."""
        return self._working.judge(attempt, lack)

    def settle(
        self,
        works: Sequence[Worked],
        refill: Refill | None = None,
        on_ended: OnEnded = say_nothing,
        moves: Callable[[], None] = lambda: None,
    ) -> Settled:
        """Write outcomes down and tell of them; claim rows for ``refill`` along with them.
        ``on_ended`` is called with each as soon as it is written or dropped, and ``moves`` between
        exchanges with the database. Never raises: what the database does not take now is
        :attr:`Settled.waiting`."""
        settled = self._settling.settle(works, refill, on_ended, moves)
        with only_logged("telling the news"):
            self.tell_news()
        return settled

    def run(self, attempt: Attempt) -> Ended:
        """Work and settle, however long the database is away. Never raises; ends as cancelled
        when the attempt is cancelled while it waits."""
        worked = self.work(attempt)
        backoff = Backoff(FIRST_DATABASE_WAIT_SECONDS, LONGEST_DATABASE_WAIT_SECONDS)
        while not (settled := self.settle([worked])).ended:
            [worked] = settled.waiting
            if attempt.deadline.wait_until_cancelled(backoff.take()):
                worked = replace(worked, result=AttemptCancelled())
        return settled.ended[0]

    def tell_news(self, *, at_once: bool = False) -> None:
        """See :meth:`News.tell`."""
        self._news.tell(at_once=at_once)
