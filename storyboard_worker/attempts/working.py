"""The work of an attempt, in its slot's thread: copy the image, decide what follows."""

import random
from dataclasses import replace

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Result, Worked
from storyboard_worker.attempts.policy import Tried, decide
from storyboard_worker.errors import (
    AttemptCancelled,
    AttemptError,
    ErrorCode,
    LeaseLost,
    ResourceExhausted,
)
from storyboard_worker.logs import log, only_logged
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import StoredImage
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.transfer.copying import Transfer


class Working:
    """Shared by all slots. ``max_own_errors`` is the setting ``MAX_ATTEMPTS``."""

    def __init__(
        self,
        transfer: Transfer,
        breakers: Breakers,
        reporter: Reporter,
        restraint: Restraint,
        *,
        max_own_errors: int,
        jitter: random.Random,
    ) -> None:
        self._transfer = transfer
        self._breakers = breakers
        self._reporter = reporter
        self._restraint = restraint
        self._max_own_errors = max_own_errors
        self._jitter = jitter

    def work(self, attempt: Attempt) -> Worked:
        """Copy the image. Never raises: whatever happens is a result."""
        worked = None
        try:
            with self._reporter.attempt(attempt.claim, attempt.timings) as trace:
                worked = self.judge(attempt, self._copy(attempt))
                trace.ended(worked.outcome, worked.error)
            context = trace.context
            return worked if context is None else replace(worked, trace=context)
        except Exception as error:  # noqa: BLE001  logged and reported, and the slot lives on
            if worked is None:
                return self.broken(attempt, error)
            # Only its trace broke: what is stored is to be written all the same.
            self._tell_broken(attempt, "the trace of an attempt broke", error)
            return worked

    def judge(self, attempt: Attempt, result: Result) -> Worked:
        """What ``result`` says of the upstreams, and what follows from it for the row."""
        if isinstance(result, StoredImage):
            self._breakers.succeeded(attempt.claim)
        elif isinstance(result, AttemptError):
            return self._decided(attempt, result)
        else:
            self._breakers.abandoned(attempt.claim)
        return Worked(attempt, result)

    def broken(self, attempt: Attempt, error: Exception) -> Worked:
        """No outcome could be decided or written: a bug, or a lack of resources."""
        self._breakers.abandoned(attempt.claim)
        lack = exhaustion_in(error)
        if lack is not None:
            self._restraint.met(lack)
            return Worked(attempt, lack)
        self._tell_broken(attempt, "an attempt could not be settled", error)
        return Worked(attempt, _unexpected(error))

    def _tell_broken(self, attempt: Attempt, what: str, error: Exception) -> None:
        facts = {"storyboard_id": str(attempt.claim.id)}
        log.error(what, exc_info=error, extra={"facts": facts})
        with only_logged("reporting an error"):
            self._reporter.crashed(error)

    def _copy(self, attempt: Attempt) -> Result:
        claim = attempt.claim
        if attempt.link_has_expired:
            reason = "the signed URL had expired before the attempt"
            return AttemptError(ErrorCode.SOURCE_EXPIRED, reason, upstream=claim.host)
        try:
            return self._transfer.copy(attempt)
        except (AttemptCancelled, LeaseLost) as stopped:
            return stopped
        except Exception as error:  # noqa: BLE001  the border of an attempt
            return as_attempt_error(attempt, error)

    def _decided(self, attempt: Attempt, error: AttemptError) -> Worked:
        claim = attempt.claim
        self._breakers.failed(claim, error)
        if isinstance(error, ResourceExhausted):
            self._restraint.met(error)
        # What was lost with other workers is given back with this end.
        tried = Tried(
            claim.attempt - claim.attempts_lost,
            max(0, claim.own_errors - claim.workers_lost),
            claim.max_attempts,
            self._max_own_errors,
        )
        left = attempt.seconds_until_given_up
        return Worked(attempt, error, decide(error, tried, seconds_left=left, jitter=self._jitter))


def as_attempt_error(attempt: Attempt, error: Exception) -> AttemptError:
    """What an attempt ends with after any error. An unexpected one neither ends the slot nor passes
    unseen: its stack stands in the log, too, for installations without Sentry."""
    lack = exhaustion_in(error)
    if lack is not None and lack is not error:
        lack.__cause__ = error
        return lack
    if isinstance(error, AttemptError):
        return error
    log.error(
        "unexpected error",
        exc_info=error,
        extra={"facts": {"storyboard_id": str(attempt.claim.id)}},
    )
    return _unexpected(error)


def _unexpected(error: Exception) -> AttemptError:
    told = f"{type(error).__name__} in the worker's own code"
    unexpected = AttemptError(ErrorCode.UNEXPECTED, told)
    unexpected.__cause__ = error
    return unexpected
