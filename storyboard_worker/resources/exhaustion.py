"""Recognising a lack of our own: descriptors, memory, threads, room on the disk.

It shows as an error of the network, of the database or of a file, whoever met it. So the whole
chain of causes is looked at: the system's own words for it stand at its end.
"""

import errno
import os
from collections.abc import Iterator

from storyboard_worker.errors import Resource, ResourceExhausted

RESOURCES = {
    errno.EMFILE: Resource.DESCRIPTORS,
    errno.ENFILE: Resource.DESCRIPTORS,
    errno.ENOMEM: Resource.MEMORY,
    errno.ENOBUFS: Resource.MEMORY,
    errno.ENOSPC: Resource.SPOOL,
    errno.EDQUOT: Resource.SPOOL,
    errno.EROFS: Resource.SPOOL,
}
# The interpreter's words, for which it has no class and no number.
NO_THREAD = "can't start new thread"
LONGEST_CHAIN = 20


def exhaustion_in(error: BaseException | None) -> ResourceExhausted | None:
    """What we lacked, if that is what ``error`` comes from."""
    for cause in _chain(error):
        if isinstance(cause, ResourceExhausted):
            return cause
        if isinstance(cause, OSError) and cause.errno in RESOURCES:
            return _exhausted(RESOURCES[cause.errno], cause.errno)
        if isinstance(cause, MemoryError):
            return _exhausted(Resource.MEMORY, errno.ENOMEM)
        if isinstance(cause, RuntimeError) and NO_THREAD in str(cause):
            return ResourceExhausted(Resource.THREADS, NO_THREAD)
    return None


def exhausted_spool(error: OSError) -> ResourceExhausted:
    """Whatever a file operation of the spool fails with."""
    reason = error.strerror or str(error)
    return exhaustion_in(error) or ResourceExhausted(Resource.SPOOL, reason)


def told_in_words(text: str) -> OSError | None:
    """The lack that ``text`` tells of, for libraries that keep no number (libpq)."""
    for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        if os.strerror(number) in text:
            return OSError(number, os.strerror(number))
    return None


def lack_of_descriptors() -> OSError | None:
    """Whether there is none left, for callers whose error does not say so (the resolver)."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if RESOURCES.get(error.errno or 0) is Resource.DESCRIPTORS:
            return error
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__


def _exhausted(resource: Resource, number: int) -> ResourceExhausted:
    name = errno.errorcode[number]
    return ResourceExhausted(resource, f"{name}: {os.strerror(number).lower()}")
