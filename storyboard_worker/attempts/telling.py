"""Who is told of an attempt that is over: the log and Sentry."""

import logging
from collections.abc import Callable
from dataclasses import replace

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended, Outcome, Worked
from storyboard_worker.attempts.pauses import Lasting
from storyboard_worker.attempts.policy import Fail, Kind, kind_of
from storyboard_worker.attempts.recalls import Recalls
from storyboard_worker.errors import AttemptError, ErrorCode, ResourceExhausted
from storyboard_worker.logs import event
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint

# An outage is sat out; a row that has failed so often is told once.
TOLD_AT_ATTEMPT = 8

_LEVELS = {
    Outcome.READY: logging.INFO,
    Outcome.CANCELLED: logging.INFO,
    Outcome.FAILED: logging.ERROR,
    Outcome.UNSETTLED: logging.ERROR,
}
_MESSAGES = {outcome: f"storyboard {outcome.replace('_', ' ')}" for outcome in Outcome}
_WRITTEN = frozenset({Outcome.RETRIED, Outcome.FAILED, Outcome.RELEASED})


def is_reported(worked: Worked) -> bool:
    """Final failures, and what was not expected, are events of their own. Transient errors are
    none, and a lack of our own is one for all its rows."""
    error = worked.error
    if error is None or isinstance(error, ResourceExhausted):
        return False
    return isinstance(worked.decision, Fail) or error.code is ErrorCode.UNEXPECTED


def reserved(reporter: Reporter, worked: Worked) -> Worked:
    """The same with the event that will tell of it, whose id is written with the outcome."""
    error = worked.error
    if error is None or worked.reservation is not None or not is_reported(worked):
        return worked
    upstream = error.upstream or worked.claim.host
    return replace(worked, reservation=reporter.reserve(error.code, upstream))


def tell(reporter: Reporter, worked: Worked, ended: Ended) -> None:
    """Tell Sentry and the log, once the outcome is written or will never be."""
    _log(ended)
    if ended.error is not None and ended.outcome in _WRITTEN:
        _report(reporter, worked, ended.error, ended.outcome)


def _report(reporter: Reporter, worked: Worked, error: AttemptError, outcome: Outcome) -> None:
    claim = worked.claim
    if is_reported(worked):
        reporter.row_failed(claim, error, worked.reservation, trace=worked.trace)
        return
    reporter.row_put_off(claim, error, outcome)
    if claim.attempt == TOLD_AT_ATTEMPT and kind_of(error) is Kind.UPSTREAM:
        reporter.row_keeps_failing(claim, error)


def _log(ended: Ended) -> None:
    error = ended.error
    event(
        _LEVELS.get(ended.outcome, logging.WARNING),
        _MESSAGES[ended.outcome],
        storyboard_id=ended.claim.id,
        attempt=ended.claim.attempt,
        waited_seconds=ended.claim.seconds_since_due,
        seconds=ended.seconds,
        again_in_seconds=ended.delay_seconds,
        host=ended.claim.host,
        error_code=error and str(error.code),
        reason=error and error.message,
        cdn_url=ended.cdn_url,
    )


class News:
    """What is told of upstreams and of this worker, beside single attempts. ``on_lack`` is called
    with a lack of our own that is to be told, once for those that come together."""

    def __init__(
        self,
        breakers: Breakers,
        restraint: Restraint,
        reporter: Reporter,
        recalls: Recalls,
        on_lack: Callable[[ResourceExhausted], None],
    ) -> None:
        self._breakers = breakers
        self._restraint = restraint
        self._reporter = reporter
        self._recalls = recalls
        self._on_lack = on_lack

    def tell(self, *, at_once: bool = False) -> None:
        """Tell of upstreams that have been paused for long, and of those that are well again, whose
        rows are recalled; and of a lack of our own. Unless ``at_once``, a lack may be told a moment
        later, with those that come together with it."""
        lack = self._restraint.take_news(at_once=at_once)
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
