"""Host names to socket addresses, without an opinion on which of them may be used."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from storyboard_worker.resources.exhaustion import lack_of_descriptors
from storyboard_worker.wire.deadline import Deadline

# Look-ups that may be under way at once, those included that are no longer waited for: a name
# server that is dead holds each for as long as resolv.conf(5) says, often half a minute.
MOST_LOOKUPS = 64
# How soon a wait notices that its attempt was cancelled.
SLICE_SECONDS = 0.25

# The address family, and what ``socket.connect`` takes for it.
SocketAddress = tuple[socket.AddressFamily, tuple[object, ...]]

# Called with host and port, answers what to try, in order. Raises OSError for an unknown host;
# anything else that it raises reaches whoever sent the request.
Resolver = Callable[[str, int], list[SocketAddress]]

_lookups = threading.BoundedSemaphore(MOST_LOOKUPS)


def resolve_any(host: str, port: int) -> list[SocketAddress]:
    """Every TCP address of ``host``; raises :class:`socket.gaierror` when there is none, another
    :class:`OSError` when it could not look for want of a descriptor.

    The system's resolver cannot be interrupted: see :func:`resolve_within`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, OverflowError) as error:
        # A label that is empty or longer than 63 characters (RFC 1035, section 2.3.4); a port
        # that no integer of C holds.
        raise socket.gaierror(socket.EAI_NONAME, "the name cannot exist") from error
    except socket.gaierror as error:
        # It says that there is no such name when it could not open a file or a socket.
        lack = lack_of_descriptors()
        if lack is not None:
            raise lack from error
        raise
    return [(family, address) for family, _, _, _, address in found]


def resolve_within(
    resolve: Resolver, host: str, port: int, deadline: Deadline, seconds: float
) -> list[SocketAddress]:
    """What ``resolve`` answers, or :class:`TimeoutError` when it takes longer than ``seconds`` or
    than ``deadline`` leaves.

    It is asked in a thread of its own, which is left behind then; not so for an address in digits,
    which asks no name server. :class:`OSError` as well when no thread is to be had.
    """
    if is_numeric(host):
        return resolve(host, port)
    ends_at = time.monotonic() + min(seconds, deadline.remaining_seconds())
    if not _lookups.acquire(timeout=max(0.0, ends_at - time.monotonic())):
        raise TimeoutError("too many look-ups of host names are unanswered")
    answer: Future[list[SocketAddress]] = Future()
    arguments = (resolve, host, port, answer)
    try:
        threading.Thread(target=_look_up, args=arguments, name="resolver", daemon=True).start()
    except RuntimeError as error:
        _lookups.release()
        raise OSError(str(error)) from error
    while True:
        left_seconds = min(ends_at - time.monotonic(), deadline.remaining_seconds())
        try:
            return answer.result(max(0.0, min(left_seconds, SLICE_SECONDS)))
        except TimeoutError:
            # It may have come since, or be that error itself.
            if answer.done():
                return answer.result()
            if left_seconds <= 0:
                raise TimeoutError("the name server does not answer in time") from None


def is_numeric(host: str) -> bool:
    """An address in digits, in whatever notation the system takes for one."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


def _look_up(resolve: Resolver, host: str, port: int, answer: Future[list[SocketAddress]]) -> None:
    try:
        answer.set_result(resolve(host, port))
    except Exception as error:  # noqa: BLE001  it is raised again where the answer is waited for
        answer.set_exception(error)
    finally:
        _lookups.release()
