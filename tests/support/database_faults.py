"""Faults between a client and its database, and their place in an exchange."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

LOGIN = "(login)"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of a client, and the server's answer up to its readiness for the next.

    ``sql`` is :data:`LOGIN` for everything before the first request. ``before`` are the requests of
    the open transaction, oldest first. ``sent_at`` is when the client sent it, by this process'
    monotonic clock.
    """

    connection: int
    sql: str
    before: tuple[str, ...]
    sent_at: float


class Place(StrEnum):
    """``BEFORE``: the request does not reach the server.

    ``WITHIN``: it does, and the client gets the first half of the answer. ``AFTER``: it does, and
    the client gets nothing of the answer.
    """

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class Ending(StrEnum):
    """``SILENT``: from then on nothing passes in either direction, and TCP stays open.

    TCP still acknowledges everything. ``CUT``: both ends are closed.
    """

    SILENT = "silent"
    CUT = "cut"


@dataclass(slots=True)
class Fault:
    """Strikes once: at the ``occurrence``-th exchange that ``matches``.

    ``struck`` is set when the server has given its answer and the client will get no more of it.
    Then ``exchange`` is the exchange that was hit.
    """

    matches: Callable[[Exchange], bool]
    place: Place
    ending: Ending
    occurrence: int = 1
    struck: threading.Event = field(default_factory=threading.Event)
    exchange: Exchange | None = None

    def meets(self, exchange: Exchange) -> bool:
        """Whether this exchange is to be hit, counted from the first call."""
        if self.exchange is None and self.matches(exchange):
            self.occurrence -= 1
            if self.occurrence == 0:
                self.exchange = exchange
                return True
        return False


def saying(pattern: str) -> Callable[[Exchange], bool]:
    """Exchanges in whose SQL this regular expression is found."""
    compiled = re.compile(pattern, re.DOTALL)
    return lambda exchange: compiled.search(exchange.sql) is not None
