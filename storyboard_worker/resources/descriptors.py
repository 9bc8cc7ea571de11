"""Descriptors: how many this process may have, and how many its slots need."""

import os
import resource
from dataclasses import dataclass

from storyboard_worker.errors import SettingsError

# The connection to the source, the one to the storage, and the spool's file.
FOR_A_SLOT = 3
# The database's connections, the resolver, Sentry, logs, certificates, and what is being dialled.
BESIDE_SLOTS = 40
# Connections of HTTP clients, where PORT is set.
FOR_HTTP = 110
# Without the least of them nothing can be copied: database, listener, resolver.
BESIDE_ONE_SLOT = 8


@dataclass(frozen=True, slots=True)
class Descriptors:
    """``limit``: as raised as it may be; ``concurrency``: for how many slots it is enough."""

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
    """Have as many as ``concurrency`` slots need, as far as we may.

    Raises :class:`SettingsError` where they do not even do for one.
    """
    found = look(concurrency, serves_http=serves_http)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < found.limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (found.limit, hard))
    if found.limit < _open_now() + BESIDE_ONE_SLOT + FOR_A_SLOT:
        raise SettingsError(
            f"WORKER_CONCURRENCY={concurrency} cannot be had, nor even one slot: "
            f"{found.shortage}: raise it (ulimit -n)"
        )
    return found


def look(concurrency: int, *, serves_http: bool) -> Descriptors:
    """What :func:`raise_limit` would find, with nothing changed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    beside = BESIDE_SLOTS + (FOR_HTTP if serves_http else 0)
    needed = beside + FOR_A_SLOT * concurrency
    limit = soft if soft >= needed else min(needed, hard)
    return Descriptors(limit, needed, max(0, (limit - beside) // FOR_A_SLOT))


def _open_now() -> int:
    # A new descriptor is the lowest free one, so nearly as many are open.
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    return lowest_free
