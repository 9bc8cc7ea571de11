"""File descriptors: how many this process may open, and how many its slots need."""

import os
import resource
from dataclasses import dataclass

from storyboard_worker.errors import SettingsError

# The connection to the source, the one to the storage, and the spool's file.
FOR_A_SLOT = 3
# Connections to the database, the resolver, Sentry, logs, certificates, connections being made.
BESIDE_SLOTS = 40
# Connections of HTTP clients and to the database for them, if PORT is set.
FOR_HTTP = 120
# The least without which no image can be copied: database, listener, resolver.
BESIDE_ONE_SLOT = 8


@dataclass(frozen=True, slots=True)
class Descriptors:
    """``limit``: the limit, raised as far as allowed. ``concurrency``: how many slots it allows."""

    limit: int
    needed: int
    concurrency: int

    @property
    def are_enough(self) -> bool:
        return self.limit >= self.needed

    @property
    def shortage(self) -> str:
        return f"the limit of {self.limit} open files is below the {self.needed} that may be needed"

    @property
    def fix(self) -> str:
        fewer = f"set WORKER_CONCURRENCY={self.concurrency}, or " if self.concurrency else ""
        return f"{fewer}raise the limit of open files (ulimit -n) to {self.needed}"


def raise_limit(concurrency: int, *, serves_http: bool) -> Descriptors:
    """Raise the limit to what ``concurrency`` slots need, as far as allowed.

    Raises :class:`SettingsError` if it is not even enough for one slot.
    """
    found = look(concurrency, serves_http=serves_http)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < found.limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (found.limit, hard))
    if found.limit < _open_now() + BESIDE_ONE_SLOT + FOR_A_SLOT:
        raise SettingsError(
            f"WORKER_CONCURRENCY={concurrency} cannot work, nor can a single slot: "
            f"{found.shortage}: raise it (ulimit -n)"
        )
    return found


def look(concurrency: int, *, serves_http: bool) -> Descriptors:
    """What :func:`raise_limit` would return. It changes nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    beside = BESIDE_SLOTS + (FOR_HTTP if serves_http else 0)
    needed = beside + FOR_A_SLOT * concurrency
    limit = soft if soft >= needed else min(needed, hard)
    return Descriptors(limit, needed, max(0, (limit - beside) // FOR_A_SLOT))


def _open_now() -> int:
    # A new descriptor gets the lowest free number, which is nearly the count of open ones.
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    return lowest_free
