"""What is reported to Sentry, and what is not.

Final failures, unexpected errors, paused upstreams and alarms are events; transient errors
are breadcrumbs of those, and a lost lease is not reported.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sentry_sdk

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.reporting import monitors
from storyboard_worker.reporting.breadcrumbs import Breadcrumbs
from storyboard_worker.reporting.event_throttle import Cause, EventThrottle, Reservation
from storyboard_worker.reporting.events import Events
from storyboard_worker.reporting.sdk import FLUSH_SECONDS, start_sdk
from storyboard_worker.reporting.traces import (
    AttemptTrace,
    NoTrace,
    PublishedTrace,
    TraceContext,
    attempt_trace,
    publish_trace,
)
from storyboard_worker.settings.sentry import SentrySettings
from storyboard_worker.storyboard import Claim, Expired, Lapsed, SetAside
from storyboard_worker.timings import Timings

UNTRACED: AbstractContextManager[AttemptTrace] = nullcontext(NoTrace())


class Reporter:
    """Reports for one process. Without a DSN it does nothing.

    An event's id is reserved first and written on the row; then the event is sent. So a row that
    was lost in between causes no event, and no row names an event that is never sent.
    """

    def __init__(self, settings: SentrySettings, redactor: Redactor, *, worker_id: str) -> None:
        self._settings = settings
        self._enabled = settings.dsn is not None
        self._event_throttle = EventThrottle()
        self._breadcrumbs = Breadcrumbs()
        self._events = Events(worker_id, self._breadcrumbs)
        if self._enabled:
            start_sdk(settings, redactor, server_name=worker_id)

    def reserve(self, code: ErrorCode, upstream: str) -> Reservation | None:
        """For a failure that is about to be written down; ``None`` when nothing will be sent."""
        return self._event_throttle.reserve(Cause(code, upstream)) if self._enabled else None

    def row_failed(
        self,
        claim: Claim,
        error: AttemptError,
        reservation: Reservation | None,
        *,
        trace: TraceContext | None = None,
    ) -> None:
        """A row will not be tried again (or not soon), or the error was not expected. ``trace`` is
        the context of its attempt."""
        if reservation is None:
            return
        if reservation.full:
            event = self._events.row_failed(claim, error, reservation)
            if trace is not None:
                event["contexts"]["trace"] = dict(trace)
            sentry_sdk.capture_event(event)
        else:
            self._event_throttle.count(reservation.cause, [claim.id])

    def rows_failed(
        self, rows: Sequence[Expired | Lapsed | SetAside], reservation: Reservation | None
    ) -> None:
        """Rows of one cause that failed together, while no worker held them."""
        if reservation is None or not rows:
            return
        if reservation.full:
            sentry_sdk.capture_event(self._events.rows_failed(rows, reservation))
        else:
            self._event_throttle.count(reservation.cause, [row.id for row in rows])

    def row_put_off(self, claim: Claim, error: AttemptError, outcome: str) -> None:
        """A transient error: a breadcrumb of the next event about the same upstream."""
        if self._enabled:
            self._breadcrumbs.add(error.upstream or claim.host, claim, error, outcome)

    def tell_summaries(self, *, all_of_them: bool = False) -> None:
        """Send the summaries of counted failures that are due, or all of them."""
        if self._enabled:
            for summary in self._event_throttle.take_summaries(all_of_them=all_of_them):
                sentry_sdk.capture_event(self._events.counted(summary))

    def row_keeps_failing(self, claim: Claim, error: AttemptError) -> None:
        """A row has failed many times in an outage: reported once, as a warning."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.row_keeps_failing(claim, error))

    def upstream_paused(self, upstream: str, error: AttemptError, seconds: float) -> None:
        """An upstream has been paused for ``seconds``: its rows only wait, but an operator should
        look."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.paused(upstream, error, seconds))

    def upstream_recovered(self, upstream: str, code: ErrorCode, seconds: float) -> None:
        """The pause that :meth:`upstream_paused` reported is over, after ``seconds`` in all."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.recovered(upstream, code, seconds))

    def crashed(self, error: Exception) -> None:
        """Something broke outside of any attempt."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.crash(error))

    def alarm(self, name: str, message: str, *, next_step: str, **facts: object) -> None:
        """The installation as a whole is in trouble; ``next_step`` is what to type."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.alarm(name, message, next_step, facts))

    def alarm_over(self, name: str, message: str) -> None:
        """The cause of the alarm that :meth:`alarm` reported is over, as ``message`` says."""
        if self._enabled:
            sentry_sdk.capture_event(self._events.alarm_over(name, message))

    def attempt(self, claim: Claim, timings: Timings) -> AbstractContextManager[AttemptTrace]:
        """Around one attempt: its breadcrumbs stay its own, and with a sample rate set it is
        a trace that continues the producer's."""
        return self._attempt(claim, timings) if self._enabled else UNTRACED

    @contextmanager
    def _attempt(self, claim: Claim, timings: Timings) -> Iterator[AttemptTrace]:
        with sentry_sdk.isolation_scope():
            if self._settings.traces_sample_rate is None:
                yield NoTrace()
                return
            with attempt_trace(claim, timings) as trace:
                yield trace

    @contextmanager
    def publishing(self, count: int) -> Iterator[PublishedTrace]:
        """Around the insertion of ``count`` rows, as their producer."""
        if not self._enabled or self._settings.traces_sample_rate is None:
            yield PublishedTrace()
            return
        with publish_trace(count) as trace:
            yield trace

    @contextmanager
    def sweep_monitored(self, max_seconds: float) -> Iterator[None]:
        """Around a sweep, which checks in with its cron monitor."""
        if not self._enabled:
            yield
            return
        with monitors.sweep_monitored(self._settings, max_seconds):
            yield

    def worker_check_in(self) -> None:
        """To be called once a minute by a worker that makes progress."""
        if self._enabled:
            monitors.worker_check_in(self._settings)

    def close(self) -> None:
        """Send what waits; the SDK's own exit hook would give up after two seconds."""
        if self._enabled:
            self.tell_summaries(all_of_them=True)
            sentry_sdk.flush(timeout=FLUSH_SECONDS)
