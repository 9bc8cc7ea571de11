"""Recognises a lack of the machine's own: descriptors, memory, threads, room on the disk.

It appears as an error of the network, of the database or of a file. So the whole chain of causes
is searched. The system's own error is at its end.
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
# The interpreter's message, for which it has neither a class nor a number.
NO_THREAD = "can't start new thread"
LONGEST_CHAIN = 20


def exhaustion_in(error: BaseException | None) -> ResourceExhausted | None:
    """The lack that caused ``error``, if there is one."""
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
    """The lack that made a file operation of the spool fail. Every error there counts as one."""
    reason = error.strerror or str(error)
    return exhaustion_in(error) or ResourceExhausted(Resource.SPOOL, reason)


def told_in_words(text: str) -> OSError | None:
    """The lack that ``text`` names, for libraries that keep no error number (libpq)."""
    for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        if os.strerror(number) in text:
            return OSError(number, os.strerror(number))
    return None


def lack_of_descriptors() -> OSError | None:
    """The error if no descriptor is left, for callers whose own error does not say so (the
    resolver)."""
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
