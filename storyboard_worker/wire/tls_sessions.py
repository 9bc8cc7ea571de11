"""Sessions of TLS connections, which make the next handshake with the same server cheaper.

Server and client agree on keys anew, but the certificate is not sent and not checked again
(RFC 8446, section 2.2). So a session is forgotten after an hour.
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from storyboard_worker.wire.request import Origin

LONGEST_SECONDS = 3600.0
MOST_SESSIONS = 64


class TlsSessions:
    """Of one transport: the last session of each of at most :data:`MOST_SESSIONS` origins."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Origin, tuple[float, ssl.SSLSession]] = OrderedDict()

    def of(self, origin: Origin) -> ssl.SSLSession | None:
        """The session to go on with; ``None``: a whole handshake is due."""
        with self._lock:
            verified_at, session = self._kept.get(origin, (0.0, None))
            if session is not None and self._clock() - verified_at >= LONGEST_SECONDS:
                del self._kept[origin]
                return None
        return session

    def forget(self, origin: Origin) -> None:
        """A handshake that went on with its session has failed."""
        with self._lock:
            self._kept.pop(origin, None)

    def keep(self, origin: Origin, session: ssl.SSLSession | None, *, resumed: bool) -> None:
        """To be called with the session of each new connection, once its peer has answered:
        before that TLS 1.3 has none. ``resumed``: the certificate was checked earlier."""
        if session is None or not session.has_ticket:
            return
        with self._lock:
            verified_at, _ = self._kept.get(origin, (self._clock(), None))
            self._kept[origin] = (verified_at if resumed else self._clock(), session)
            self._kept.move_to_end(origin)
            if len(self._kept) > MOST_SESSIONS:
                self._kept.popitem(last=False)
