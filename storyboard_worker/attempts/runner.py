"""One attempt, as a row of steps: check the link, copy the image, write the outcome down.

The slot that runs an attempt learns only its :class:`Outcome`; everything else (what the
error means, what stands on the row, who is told) is settled here.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NoReturn

from storyboard_worker.attempts.breakers import Breakers, Lasting
from storyboard_worker.attempts.policy import (
    Decision,
    Fail,
    Kind,
    Release,
    Retry,
    Tried,
    decide,
    kind_of,
)
from storyboard_worker.attempts.recalls import Recalls
from storyboard_worker.errors import (
    AttemptCancelled,
    AttemptError,
    DatabaseUnavailable,
    DataRefused,
    ErrorCode,
    LeaseLost,
    ResourceExhausted,
    SchemaOutdated,
)
from storyboard_worker.logs import event, log
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim
from storyboard_worker.timings import Timings
from storyboard_worker.transfer.copying import Announce, Transfer
from storyboard_worker.wire.deadline import Deadline

# An outage is sat out; a row that has failed so often is told once.
TOLD_AT_ATTEMPT = 8
FIRST_DATABASE_WAIT_SECONDS = 0.1
LONGEST_DATABASE_WAIT_SECONDS = 5.0


class Outcome(StrEnum):
    """How a claim ended."""

    READY = "ready"
    RETRIED = "retried"
    FAILED = "failed"
    RELEASED = "released"
    LEASE_LOST = "lease_lost"
    CANCELLED = "cancelled"
    # What became of it could not be written down; the row comes back by its lease.
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over; ``error`` is ``None`` unless something went wrong, and the row may
    be tried again after ``delay_seconds`` if at all."""

    claim: Claim
    outcome: Outcome
    seconds: float
    timings: Timings
    error: AttemptError | None = None
    cdn_url: str | None = None
    delay_seconds: float | None = None


def _say_nothing(_step: str) -> None:
    pass


class Attempts:
    """Runs attempts; shared by all slots. ``on_lack`` is called with a lack of our own that is to
    be told, once for those that come together."""

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
        self._queue = queue
        self._transfer = transfer
        self._breakers = breakers
        self._reporter = reporter
        self.restraint = restraint
        self._on_lack = on_lack
        self._max_own_errors = max_own_errors
        self._jitter = jitter or random.SystemRandom()
        self._recalls = Recalls(queue)

    def run(self, claim: Claim, deadline: Deadline, announce: Announce = _say_nothing) -> Ended:
        """Never raises: whatever happens to an attempt is an outcome."""
        timings = Timings()

        def seconds_left() -> float | None:
            return _remaining(claim, claim.seconds_until_expiry)

        def copy() -> str:
            return self._copy(claim, deadline, announce, seconds_left, timings)

        return self._ended(claim, deadline, timings, copy)

    def turn_away(self, claim: Claim, error: ResourceExhausted) -> Ended:
        """The attempt could not begin. Its row is given back, unless the database is away: nobody
        can wait for that here, and the row comes back by its lease. Never raises."""
        at_once = Deadline(0)
        at_once.cancel()

        def refuse() -> NoReturn:
            raise error

        return self._ended(claim, at_once, Timings(), refuse)

    def _ended(
        self, claim: Claim, deadline: Deadline, timings: Timings, copy: Callable[[], str]
    ) -> Ended:
        with self._reporter.attempt(claim, timings) as trace:
            try:
                ended = self._run(claim, deadline, timings, copy)
            except Exception as error:  # noqa: BLE001  logged and reported, and the slot lives on
                ended = self._broken(claim, error, timings)
            trace.ended(ended.outcome, ended.error)
        self.tell_news()
        _log(ended)
        return ended

    def _run(
        self, claim: Claim, deadline: Deadline, timings: Timings, copy: Callable[[], str]
    ) -> Ended:
        error: AttemptError | None = None
        cdn_url: str | None = None
        delay: float | None = None
        try:
            try:
                cdn_url = copy()
                outcome = Outcome.READY
                self.restraint.ended_well()
            except AttemptError as caught:
                error = caught
                decision = self._decide(claim, caught)
                delay = None if isinstance(decision, Fail) else decision.delay_seconds
                outcome = self._settle(claim, caught, decision, deadline)
        except AttemptCancelled:
            self._breakers.abandoned(claim)
            outcome = Outcome.CANCELLED
        except LeaseLost:
            self._breakers.abandoned(claim)
            outcome = Outcome.LEASE_LOST
        seconds = time.monotonic() - timings.began_at
        return Ended(claim, outcome, seconds, timings, error, cdn_url, delay)

    def _broken(self, claim: Claim, error: Exception, timings: Timings) -> Ended:
        """Settling broke, which is a bug unless we lacked something for it."""
        self._breakers.abandoned(claim)
        seconds = time.monotonic() - timings.began_at
        lack = exhaustion_in(error)
        if lack is not None:
            self.restraint.met(lack)
            return Ended(claim, Outcome.UNSETTLED, seconds, timings, lack)
        log.error(
            "an attempt could not be settled",
            exc_info=error,
            extra={"facts": {"storyboard_id": str(claim.id)}},
        )
        self._reporter.crashed(error)
        return Ended(claim, Outcome.UNSETTLED, seconds, timings, _unexpected(error))

    def _copy(
        self,
        claim: Claim,
        deadline: Deadline,
        announce: Announce,
        seconds_left: Callable[[], float | None],
        timings: Timings,
    ) -> str:
        def link_has_expired() -> bool:
            left = seconds_left()
            return left is not None and left <= 0

        if link_has_expired():
            raise AttemptError(
                ErrorCode.SOURCE_EXPIRED,
                "the signed URL had expired before the attempt",
                upstream=claim.host,
            )
        try:
            image = self._transfer.copy(
                claim,
                deadline,
                link_has_expired=link_has_expired,
                announce=announce,
                timings=timings,
            )
            self._breakers.succeeded(claim)
            self._insist(lambda: self._queue.complete(claim, image), deadline)
        except (AttemptCancelled, LeaseLost):
            raise
        except Exception as error:
            lack = exhaustion_in(error)
            if lack is not None and lack is not error:
                raise lack from error
            if isinstance(error, AttemptError):
                raise
            # The border of an attempt: what nobody expected is this row's error and must
            # neither end the slot nor pass unseen. The stack stands in the log, too, for those
            # who have no Sentry.
            log.exception("unexpected error", extra={"facts": {"storyboard_id": str(claim.id)}})
            raise _unexpected(error) from error
        return image.cdn_url

    def _decide(self, claim: Claim, error: AttemptError) -> Decision:
        self._breakers.failed(claim, error)
        if isinstance(error, ResourceExhausted):
            self.restraint.met(error)
        # What was lost with other workers is given back with this end.
        tried = Tried(
            claim.attempt - claim.attempts_lost,
            max(0, claim.own_errors - claim.workers_lost),
            claim.max_attempts,
            self._max_own_errors,
        )
        seconds_left = _remaining(claim, claim.seconds_until_given_up)
        return decide(error, tried, seconds_left=seconds_left, jitter=self._jitter)

    def tell_news(self, *, at_once: bool = False) -> None:
        """Tell of upstreams that have been left alone for long, and of those that are well again;
        what these have put off comes back. And of a lack of our own; unless ``at_once``, it may be
        told a moment later."""
        lack = self.restraint.take_news(at_once=at_once)
        if lack is not None:
            self._on_lack(lack)
        for news in self._breakers.take_news():
            _log_upstream(news)
            # As its rows' events name it: a source by its host alone.
            named = news.error.upstream or news.upstream
            if news.is_over:
                self._reporter.upstream_recovered(named, news.error.code, news.seconds)
            else:
                self._reporter.upstream_paused(named, news.error, news.seconds)
        for recovery in self._breakers.take_recoveries():
            self._recalls.begin(recovery)
        self._recalls.go_on()

    def _settle(
        self, claim: Claim, error: AttemptError, decision: Decision, deadline: Deadline
    ) -> Outcome:
        if not _is_reported(decision, error):
            outcome = self._write(claim, error, decision, None, deadline)
            self._reporter.row_put_off(claim, error, outcome)
            if claim.attempt == TOLD_AT_ATTEMPT and kind_of(error) is Kind.UPSTREAM:
                self._reporter.row_keeps_failing(claim, error)
            return outcome
        reservation = self._reporter.reserve(error.code, error.upstream or claim.host)
        event_id = None if reservation is None else reservation.event_id
        outcome = self._write(claim, error, decision, event_id, deadline)
        self._reporter.row_failed(claim, error, reservation)
        return outcome

    def _write(
        self,
        claim: Claim,
        error: AttemptError,
        decision: Decision,
        event_id: str | None,
        deadline: Deadline,
    ) -> Outcome:
        try:
            return self._write_as_it_is(claim, error, decision, event_id, deadline)
        except DataRefused:
            pass  # Maybe a character that a database of another encoding cannot hold.
        try:
            return self._write_as_it_is(claim, error.in_ascii(), decision, event_id, deadline)
        except DataRefused as refused:
            self._insist(partial(self._queue.set_aside, claim.id, refused), deadline)
            return Outcome.FAILED

    def _write_as_it_is(
        self,
        claim: Claim,
        error: AttemptError,
        decision: Decision,
        event_id: str | None,
        deadline: Deadline,
    ) -> Outcome:
        queue = self._queue
        match decision:
            case Retry(delay_seconds=delay, own_error=own):
                self._insist(
                    lambda: queue.retry(
                        claim,
                        error,
                        delay_seconds=delay,
                        sentry_event_id=event_id,
                        own_error=own,
                    ),
                    deadline,
                )
                return Outcome.RETRIED
            case Release(delay_seconds=delay):
                self._insist(lambda: queue.release(claim, error, delay_seconds=delay), deadline)
                return Outcome.RELEASED
            case Fail():
                self._insist(lambda: queue.fail(claim, error, sentry_event_id=event_id), deadline)
                return Outcome.FAILED

    def _insist(self, write: Callable[[], None], deadline: Deadline) -> None:
        """Write the outcome however long the database is away.

        The work is done, and the claim token still guards the row when the database is back.
        Raises :class:`AttemptCancelled` when the worker has to stop before.
        """
        wait_seconds = FIRST_DATABASE_WAIT_SECONDS
        while True:
            try:
                write()
            except (DatabaseUnavailable, SchemaOutdated) as error:
                lack = exhaustion_in(error)
                if lack is not None:
                    self.restraint.met(lack)
                # Once for each outcome: sixteen slots would fill the log of a long outage.
                if wait_seconds == FIRST_DATABASE_WAIT_SECONDS:
                    event(logging.WARNING, "outcome waits for the database", reason=error)
            else:
                return
            # It is the database that is late, not the attempt.
            deadline.prolong()
            if deadline.wait_until_cancelled(wait_seconds):
                raise AttemptCancelled
            wait_seconds = min(wait_seconds * 2, LONGEST_DATABASE_WAIT_SECONDS)


def _remaining(claim: Claim, seconds: float | None) -> float | None:
    """What is left of ``seconds``, measured when the row was claimed: only the distance is ours,
    the moment is the database's."""
    return None if seconds is None else seconds - (time.monotonic() - claim.received_at)


def _log_upstream(news: Lasting) -> None:
    over = "no row is left for the upstream" if news.is_forgotten else "upstream is well again"
    event(
        logging.INFO if news.is_over else logging.WARNING,
        over if news.is_over else "upstream paused",
        upstream=news.upstream,
        seconds=news.seconds,
        error_code=str(news.error.code),
        reason=news.error.message,
    )


def _unexpected(error: Exception) -> AttemptError:
    told = f"{type(error).__name__} in the worker's own code"
    unexpected = AttemptError(ErrorCode.UNEXPECTED, told)
    unexpected.__cause__ = error
    return unexpected


def _is_reported(decision: Decision, error: AttemptError) -> bool:
    """Final failures, and what nobody expected; transient errors are no event, and a lack of our
    own is one for all its rows."""
    if isinstance(error, ResourceExhausted):
        return False
    return isinstance(decision, Fail) or error.code is ErrorCode.UNEXPECTED


_LEVELS = {
    Outcome.READY: logging.INFO,
    Outcome.CANCELLED: logging.INFO,
    Outcome.FAILED: logging.ERROR,
    Outcome.UNSETTLED: logging.ERROR,
}


def _log(ended: Ended) -> None:
    error = ended.error
    event(
        _LEVELS.get(ended.outcome, logging.WARNING),
        f"storyboard {ended.outcome.replace('_', ' ')}",
        storyboard_id=ended.claim.id,
        attempt=ended.claim.attempt,
        seconds=ended.seconds,
        again_in_seconds=ended.delay_seconds,
        host=ended.claim.host,
        error_code=error and str(error.code),
        reason=error and error.message,
        cdn_url=ended.cdn_url,
    )
