"""Host names to socket addresses. Whether an address may be used is decided elsewhere."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from storyboard_worker.resources.exhaustion import lack_of_descriptors
from storyboard_worker.wire.deadline import Deadline

# Look-ups that may be under way at once, including those that no attempt waits for any more. A
# dead name server holds each for as long as resolv.conf(5) says, often half a minute.
MOST_LOOKUPS = 64
# How long a wait takes at most to notice that its attempt was cancelled.
SLICE_SECONDS = 0.25

# The address family, and the argument that ``socket.connect`` takes for it.
SocketAddress = tuple[socket.AddressFamily, tuple[object, ...]]

# Called with host and port, it returns the addresses to try, in order. It raises OSError for an
# unknown host. Any other exception passes through to the sender of the request.
Resolver = Callable[[str, int], list[SocketAddress]]

_lookups = threading.BoundedSemaphore(MOST_LOOKUPS)


def resolve_any(host: str, port: int) -> list[SocketAddress]:
    """Every TCP address of ``host``.

    Raises :class:`socket.gaierror` if there is none, and another :class:`OSError` if no
    descriptor was free for the look-up. The system's resolver cannot be interrupted: see
    :func:`resolve_within`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, OverflowError) as error:
        # The name has an empty label, or one of more than 63 characters (RFC 1035, section
        # 2.3.4), or the port is too large for an integer of C.
        raise socket.gaierror(socket.EAI_NONAME, "the name cannot exist") from error
    except socket.gaierror as error:
        # The resolver reports an unknown name also if it could not open a file or a socket.
        lack = lack_of_descriptors()
        if lack is not None:
            raise lack from error
        raise
    return [(family, address) for family, _, _, _, address in found]


def resolve_within(
    resolve: Resolver, host: str, port: int, deadline: Deadline, seconds: float
) -> list[SocketAddress]:
    """The answer of ``resolve``, within ``seconds`` and the time that ``deadline`` leaves.

    Raises :class:`TimeoutError` when the time is up, and another :class:`OSError` if no thread
    can be started. ``resolve`` runs in a thread of its own, which a time-out leaves behind. A
    numeric address needs no name server and is resolved at once.
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
    """Whether ``host`` is an address in digits, in any notation that the system accepts."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


def _look_up(resolve: Resolver, host: str, port: int, answer: Future[list[SocketAddress]]) -> None:
    try:
        answer.set_result(resolve(host, port))
    except Exception as error:  # noqa: BLE001  the waiting thread raises it again
        answer.set_exception(error)
    finally:
        _lookups.release()
