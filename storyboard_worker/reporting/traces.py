"""An attempt as Sentry's «Queues» shows it: its producer, how long it waited, what took time.

Attributes: https://docs.sentry.io/platforms/python/tracing/instrumentation/custom-instrumentation/queues-module/
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import sentry_sdk
from sentry_sdk.tracing import Span, Transaction

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.logs import event
from storyboard_worker.storyboard import Claim
from storyboard_worker.timings import Timings

DESTINATION = "storyboards"
SYSTEM = "postgresql"
NAME = "storyboard attempt"
# A «sentry-trace» has about 50; W3C's Baggage, section 3.3.2, asks for so many. The SDK's
# expression for the first takes a time that grows with the square of its length.
MAX_CHARACTERS = {"sentry-trace": 200, "baggage": 8192}
TIME_OUTS = frozenset({ErrorCode.SOURCE_TIMEOUT, ErrorCode.ATTEMPT_TIMEOUT})


TraceContext = Mapping[str, Any]


class AttemptTrace(Protocol):
    """Learns how an attempt ended. ``context`` links an event with the attempt."""

    def ended(self, outcome: str, error: AttemptError | None) -> None: ...

    @property
    def context(self) -> TraceContext | None: ...


class NoTrace:
    """For attempts that are not traced."""

    context: TraceContext | None = None

    def ended(self, outcome: str, error: AttemptError | None) -> None:
        pass


@dataclass(frozen=True, slots=True)
class PublishedTrace:
    """What a producer hands over on the row; ``None`` when it traces nothing."""

    sentry_trace: str | None = None
    baggage: str | None = None


@contextmanager
def attempt_trace(claim: Claim, timings: Timings) -> Iterator[AttemptTrace]:
    """A transaction that continues the producer's trace, with a ``queue.process`` span in it.

    When it is over, the time of source and storage stand below that as spans of their own.
    """
    with (
        sentry_sdk.start_transaction(_continued(claim)),
        sentry_sdk.start_span(op="queue.process", name="copy an image") as span,
    ):
        trace = SpanTrace(span)
        span.update_data(
            {
                "messaging.system": SYSTEM,
                "messaging.destination.name": DESTINATION,
                "messaging.message.id": str(claim.id),
                "messaging.message.receive.latency": round(claim.seconds_since_due * 1000),
                "messaging.message.retry.count": claim.attempt - 1,
            }
        )
        yield trace
        if timings.length_bytes is not None:
            span.set_data("messaging.message.body.size", timings.length_bytes)
        _add_parts(span, claim, timings)


def _continued(claim: Claim) -> Transaction:
    headers = {"sentry-trace": claim.sentry_trace, "baggage": claim.baggage}
    given = {name: value for name, value in headers.items() if value}
    try:
        _check_lengths(given)
        return sentry_sdk.continue_trace(given, op="function", name=NAME)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Any producer may write the columns, and the SDK fails on a rate of 1e400, for one.
        event(logging.WARNING, "trace headers of a row are unusable", reason=type(error).__name__)
        return sentry_sdk.continue_trace({}, op="function", name=NAME)


def _check_lengths(given: dict[str, str]) -> None:
    """Raises :class:`ValueError`."""
    for name, value in given.items():
        if len(value) > MAX_CHARACTERS[name]:
            raise ValueError(name)


class SpanTrace:
    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def context(self) -> TraceContext | None:
        context: dict[str, Any] = self._span.get_trace_context()
        return context

    def ended(self, outcome: str, error: AttemptError | None) -> None:
        status = _status(error)
        self._span.set_status(status)
        self._span.set_data("storyboard.outcome", outcome)
        if error is not None:
            self._span.set_data("storyboard.error_code", str(error.code))
        if self._span.containing_transaction is not None:
            self._span.containing_transaction.set_status(status)


def _status(error: AttemptError | None) -> str:
    if error is None:
        return "ok"
    return "deadline_exceeded" if error.code in TIME_OUTS else "internal_error"


def _add_parts(span: Span, claim: Claim, timings: Timings) -> None:
    """Their times are known only at the end: download and upload overlap."""
    now = time.monotonic()
    if timings.asked_at is not None:
        ends_at = timings.last_byte_at or now
        _add(span, "http.client", f"source {claim.host}", timings.asked_at, ends_at)
    if timings.first_byte_at is not None:
        ends_at = timings.stored_at or now
        _add(span, "http.client", "storage cloudinary", timings.first_byte_at, ends_at)


def _add(span: Span, op: str, name: str, began_at: float, ends_at: float) -> None:
    to_epoch = time.time() - time.monotonic()
    child = span.start_child(op=op, name=name, start_timestamp=began_at + to_epoch)
    child.finish(end_timestamp=ends_at + to_epoch)


@contextmanager
def publish_trace(count: int) -> Iterator[PublishedTrace]:
    """Around the insertion of ``count`` rows: what to write on them."""
    with (
        sentry_sdk.start_transaction(op="function", name="storyboard enqueue"),
        sentry_sdk.start_span(op="queue.publish", name="enqueue storyboards") as span,
    ):
        span.set_data("messaging.system", SYSTEM)
        span.set_data("messaging.destination.name", DESTINATION)
        span.set_data("messaging.batch.message_count", count)
        yield PublishedTrace(sentry_sdk.get_traceparent(), sentry_sdk.get_baggage())
