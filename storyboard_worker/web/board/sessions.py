"""Signed sessions, which every worker with the same token knows."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

LASTS_SECONDS = 12 * 3600
MOST_ENDED = 1000
# Makes each guess at the token cost about as long, for one who has a cookie.
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True, slots=True)
class Session:
    """``form_token`` stands in each form of this session."""

    nonce: str
    ends_at: int
    form_token: str


class Sessions:
    """A session is a random number and its end, signed with a key that comes from ``token``.

    So it outlives a restart, holds on every worker behind one address, and ends when the token is
    changed. ``now`` is in seconds since 1970.
    """

    def __init__(self, token: str, now: Callable[[], float] = time.time) -> None:
        self._token = token
        self._now = now
        self._ended: dict[str, int] = {}
        self._lock = threading.Lock()

    def begin(self) -> str:
        """The value of a new session's cookie."""
        unsigned = f"{int(self._now()) + LASTS_SECONDS}.{secrets.token_urlsafe(18)}"
        return f"{unsigned}.{self._signature('session', unsigned)}"

    def read(self, value: str) -> Session | None:
        """The session of a cookie; ``None`` if it is forged, over or signed out of."""
        unsigned, _, signature = value.rpartition(".")
        expected = self._signature("session", unsigned)
        if not hmac.compare_digest(_bytes(signature), _bytes(expected)):
            return None
        ends_at, _, nonce = unsigned.partition(".")
        if int(ends_at) <= self._now():
            return None
        with self._lock:
            if nonce in self._ended:
                return None
        return Session(nonce, int(ends_at), self._signature("form", nonce))

    def end(self, session: Session) -> None:
        """Sign out. Another worker still takes the cookie, which the browser has forgotten."""
        with self._lock:
            now = self._now()
            self._ended = {nonce: end for nonce, end in self._ended.items() if end > now}
            if len(self._ended) >= MOST_ENDED:
                del self._ended[next(iter(self._ended))]
            self._ended[session.nonce] = session.ends_at

    def _signature(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, _bytes(f"{purpose}:{text}"), hashlib.sha256).hexdigest()

    @cached_property
    def _key(self) -> bytes:
        return hashlib.scrypt(self._token.encode(), salt=b"storyboard-worker board", **SCRYPT)


def _bytes(text: str) -> bytes:
    # A cookie may hold anything, also half a character.
    return text.encode("utf-8", "replace")
