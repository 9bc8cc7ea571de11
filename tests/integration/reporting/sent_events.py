"""The events that reached the stand-in for Sentry."""

from typing import Any

from tests.support.attempting import Bench
from tests.support.sentry_server import SentryServer


def events(bench: Bench, sentry: SentryServer) -> list[dict[str, Any]]:
    """All events that were sent."""
    bench.reporter.close()
    return sentry.events


def only_event(bench: Bench, sentry: SentryServer) -> dict[str, Any]:
    found = events(bench, sentry)
    assert len(found) == 1
    return found[0]
