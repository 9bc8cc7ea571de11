"""Whether notifications still arrive: proven anew every minute.

A connection may be dead without breaking, and a notification that does not come looks like one
that was not sent. So now and then the worker notifies itself. The notification travels with a
beat, which is written anyway: an idle worker asks no more often for it.
"""

import threading
import time
import uuid
from collections.abc import Callable

from storyboard_worker.queries.notifications import PROOF_PREFIX, PROOF_TIMEOUT_SECONDS

# A little less than a minute, since beats come by their own clock.
PROVEN_EVERY_SECONDS = 55.0


class Proofs:
    """Between the keeper, which sends proofs, and the listener, which has to hear them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._proven_at: float | None = None
        self._awaited: str | None = None
        self._sent_at: float | None = None

    def begin(self) -> None:
        """Notifications were heard a moment ago, on a connection that is new."""
        with self._lock:
            self._proven_at = self._clock()
            self._awaited = self._sent_at = None

    def end(self) -> None:
        """Nothing is listened to any more."""
        with self._lock:
            self._proven_at = self._awaited = self._sent_at = None

    def next(self) -> str | None:
        """What to notify ourselves of now; ``None``: nothing."""
        with self._lock:
            if self._proven_at is None or self._sent_at is not None:
                return None
            if self._clock() - self._proven_at < PROVEN_EVERY_SECONDS:
                return None
            self._awaited = f"{PROOF_PREFIX}{uuid.uuid4().hex}"
            return self._awaited

    def sent(self, proof: str) -> None:
        """The notification is committed: from now on it may be missed."""
        with self._lock:
            # It may have been heard before.
            if self._awaited == proof:
                self._sent_at = self._clock()

    def heard(self, payload: str) -> bool:
        """Whether this is a proof, ours or another worker's."""
        if not payload.startswith(PROOF_PREFIX):
            return False
        with self._lock:
            if self._awaited == payload:
                self._awaited = self._sent_at = None
                self._proven_at = self._clock()
        return True

    @property
    def missed(self) -> bool:
        """A proof that was sent has not been heard in time."""
        with self._lock:
            if self._sent_at is None:
                return False
            return self._clock() - self._sent_at > PROOF_TIMEOUT_SECONDS
