"""Waits for a socket, with poll(2): select(2) takes no descriptor above 1023."""

import select
import socket


def poll_of(sock: socket.socket, event: int) -> select.poll:
    """What :func:`wait_for` waits with. It serves as long as ``sock`` has its descriptor."""
    poll = select.poll()
    poll.register(sock, event)
    return poll


def wait_for(poll: select.poll, seconds: float) -> None:
    """Wait for the event of ``poll``, or for an error of the connection, which the next call will
    raise.

    Raises :class:`TimeoutError` after ``seconds``.
    """
    if seconds <= 0 or not poll.poll(seconds * 1000):
        raise TimeoutError("timed out")
