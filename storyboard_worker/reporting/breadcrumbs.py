"""Errors that are no event of their own: they are attached to the next event."""

import threading
from collections import OrderedDict, deque
from datetime import UTC, datetime
from typing import Any

from storyboard_worker.errors import AttemptError
from storyboard_worker.storyboard import Claim

CRUMBS_EACH = 20
MOST_UPSTREAMS = 100

Crumb = dict[str, Any]


class Breadcrumbs:
    """The last transient errors of each upstream, as breadcrumbs of Sentry's form
    (https://develop.sentry.dev/sdk/data-model/event-payloads/breadcrumbs/)."""

    def __init__(self) -> None:
        self._crumbs: OrderedDict[str, deque[Crumb]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, upstream: str, claim: Claim, error: AttemptError, outcome: str) -> None:
        crumb: Crumb = {
            "timestamp": datetime.now(UTC),
            "type": "error",
            "category": "attempt",
            "level": "warning",
            "message": str(error),
            "data": {
                "storyboard_id": str(claim.id),
                "attempt": claim.attempt,
                "outcome": outcome,
            },
        }
        with self._lock:
            self._crumbs.setdefault(upstream, deque(maxlen=CRUMBS_EACH)).append(crumb)
            self._crumbs.move_to_end(upstream)
            if len(self._crumbs) > MOST_UPSTREAMS:
                self._crumbs.popitem(last=False)

    def of(self, upstream: str) -> list[Crumb]:
        """Oldest first."""
        with self._lock:
            return [dict(crumb) for crumb in self._crumbs.get(upstream, ())]
