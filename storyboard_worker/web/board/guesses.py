"""Slows down wrong tokens. No thread waits.

Addresses share a limit, so a stranger who keeps guessing uses it up for all of them.
`access.py` says for which tokens that matters.
"""

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Request

# So many wrong tokens of one address cost nothing, since people mistype.
FREE_GUESSES = 3
LONGEST_PAUSE_SECONDS = 30.0
FORGOTTEN_AFTER_SECONDS = 900.0
MOST_ADDRESSES = 1000
# Of all addresses together: so many at once, and so many a second.
BURST = 30.0
PER_SECOND = 5.0
# The part of an IPv6 address that belongs to one customer.
IPV6_PREFIX = 64


@dataclass(slots=True)
class _Guesser:
    wrong: int
    last_at: float
    free_at: float


class Guesses:
    """Wrong tokens, by address and in all. Each pause of an address is twice the one before."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._guessers: dict[str, _Guesser] = {}
        self._left = BURST
        self._counted_at = now()

    def pause_seconds(self, address: str) -> float:
        """For how long ``address`` should wait; 0 if it may try a token now."""
        with self._lock:
            now = self._now()
            self._refill(now)
            guesser = self._guessers.get(address)
            own = 0.0 if guesser is None else guesser.free_at - now
            shared = 0.0 if self._left >= 1 else (1 - self._left) / PER_SECOND
            return max(0.0, own, shared)

    def was_wrong(self, address: str) -> None:
        with self._lock:
            now = self._now()
            self._refill(now)
            self._left = max(0.0, self._left - 1)
            before = self._guessers.pop(address, None)
            fresh = before is None or now - before.last_at > FORGOTTEN_AFTER_SECONDS
            wrong = 1 if before is None or fresh else before.wrong + 1
            self._guessers[address] = _Guesser(wrong, now, now + _pause_after(wrong))
            if len(self._guessers) > MOST_ADDRESSES:
                del self._guessers[next(iter(self._guessers))]

    def was_right(self, address: str) -> None:
        with self._lock:
            self._guessers.pop(address, None)

    def _refill(self, now: float) -> None:
        self._left = min(BURST, self._left + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now


def _pause_after(wrong: int) -> float:
    if wrong < FREE_GUESSES:
        return 0.0
    return min(LONGEST_PAUSE_SECONDS, math.ldexp(1.0, min(wrong - FREE_GUESSES, 10)))


def address_of(request: Request) -> str:
    """The client's address, as the nearest proxy saw it.

    Only the last entry of X-Forwarded-For is the proxy's own; a client may have sent the others.
    Without a proxy a client can send that one, too, and is still bound by the limit of all.
    """
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    raw = forwarded or request.remote_addr or ""
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return raw[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    # Some proxies write IPv4 in the form of IPv6. All of it lies in one network there.
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
