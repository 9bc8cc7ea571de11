"""Sessions of TLS connections, which make the next handshake with the same server cheaper.

Server and client agree on keys anew, but the certificate is not sent and not checked again
(RFC 8446, section 2.2). So a session is forgotten after an hour.
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from storyboard_worker.wire.request import Origin

LONGEST_SECONDS = 3600.0
MOST_SESSIONS = 64


@dataclass(frozen=True, slots=True)
class KeptSession:
    """``verified_at``: when the certificate was last checked."""

    session: ssl.SSLSession
    verified_at: float


class TlsSessions:
    """Of one transport: the last session of each of at most :data:`MOST_SESSIONS` origins."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Origin, KeptSession] = OrderedDict()

    def now(self) -> float:
        """When a certificate is checked that is checked now."""
        return self._clock()

    def of(self, origin: Origin) -> KeptSession | None:
        """The session to go on with; ``None``: a whole handshake is due."""
        with self._lock:
            kept = self._kept.get(origin)
            if kept is not None and self._clock() - kept.verified_at >= LONGEST_SECONDS:
                del self._kept[origin]
                return None
        return kept

    def forget(self, origin: Origin) -> None:
        """A handshake that went on with its session has failed."""
        with self._lock:
            self._kept.pop(origin, None)

    def keep(self, origin: Origin, session: ssl.SSLSession | None, verified_at: float) -> None:
        """To be called with the session of each new connection, once its peer has answered:
        before that TLS 1.3 has none. ``verified_at`` of a connection that went on with a session
        is that of this session."""
        if session is None or not session.has_ticket:
            return
        with self._lock:
            self._kept[origin] = KeptSession(session, verified_at)
            self._kept.move_to_end(origin)
            if len(self._kept) > MOST_SESSIONS:
                self._kept.popitem(last=False)
