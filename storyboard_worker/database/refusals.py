"""After each refusal the worker waits longer before it connects again.

Poolers and servers lock out clients that repeat a wrong password
(https://github.com/supabase/supavisor: «circuit breaker»; pg_hba's auth_delay; fail2ban).
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from storyboard_worker.backoff import Backoff
from storyboard_worker.errors import DatabaseUnavailable

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
# The longest wait after an error that only looks like a refusal.
LONGEST_WAIT_IN_DOUBT_SECONDS = 5.0

# Where no password was sent, only its words tell a refusal: those of servers, then those of poolers
# (Supavisor's, before and after 2025, and PgBouncer's). Names have a limit, because without one
# each «role» in a long text would be followed to the end of the text.
REFUSED = re.compile(
    r"authentication failed|no pg_hba\.conf entry|role .{1,80} does not exist|"
    r"is not permitted to log in|no password supplied|"
    r"tenant or user not found|tenant/user .{1,120} not found|user not found|no tenant identifier|"
    r"tenant is banned|circuit ?breaker|authentication error|no such user",
    re.IGNORECASE,
)
# Errors that pass by themselves and concern every client.
PASSING = re.compile(
    r"too many (?!authentication)|connection slots|starting up|shutting down|not yet accepting|"
    r"recovery|terminat|server[ _]login|max_?client|max client|time-?out|timed out|"
    r"does not allow|maintenance",
    re.IGNORECASE,
)


class Refusals:
    """The refusals that one process gets from one database.

    While the server refuses, one thread at a time may connect, after a wait. For the others
    :meth:`heeded` raises at once and names the reason.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._waits = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        self._again_at = float("-inf")
        self._asking = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Wraps one attempt to connect, which raises psycopg's errors.

        Raises :class:`DatabaseUnavailable` when it is too early for another.
        """
        refused_before = self._enter()
        try:
            yield
        except BaseException as error:
            self._leave(error, asked=refused_before)
            raise
        else:
            self._over()

    def _enter(self) -> bool:
        with self._lock:
            if self._reason is None:
                return False
            left_seconds = self._again_at - self._clock()
            if left_seconds > 0 or self._asking:
                raise DatabaseUnavailable(
                    f"{self._reason} (asked again in {max(0.0, left_seconds):.0f} s)"
                )
            self._asking = True
            return True

    def _leave(self, error: BaseException, *, asked: bool) -> None:
        with self._lock:
            if asked:
                self._asking = False
            # Threads that connected at the same time got the same refusal. It counts once.
            is_news = self._reason is None or asked
            if _is_refusal(error) and is_news:
                self._reason = " ".join(str(error).split())
                wait_seconds = self._waits.take(longest_seconds=_longest_wait_seconds(error))
                self._again_at = self._clock() + wait_seconds

    def _over(self) -> None:
        with self._lock:
            self._reason = None
            self._asking = False
            self._waits.reset()


def _is_refusal(error: BaseException) -> bool:
    if not isinstance(error, psycopg.OperationalError):
        return False
    said = str(error)
    if PASSING.search(said):
        return False
    used_password = error.pgconn is not None and error.pgconn.used_password
    # Servers speak many languages. An error after a password is rarely anything but a refusal.
    return bool(REFUSED.search(said)) or (used_password and "FATAL" in said)


def _longest_wait_seconds(error: BaseException) -> float:
    sure = REFUSED.search(str(error))
    return LONGEST_WAIT_SECONDS if sure else LONGEST_WAIT_IN_DOUBT_SECONDS
