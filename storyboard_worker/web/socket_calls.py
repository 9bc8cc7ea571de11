"""Calls on sockets that never wait and keep the interpreter.

Python gives the interpreter away around each call on a socket, even one that cannot wait. Beside
busy threads the caller then stands in line for it again, after each call. These calls take a few
microseconds, so they keep it.
"""

import ctypes
import errno
import os
import socket

MOST_BYTES = 8192
# A client may have gone before its connection was accepted (accept(2)).
NOT_NOW = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ECONNABORTED})

_libc = ctypes.PyDLL(None, use_errno=True)
_accept = _libc.accept
_accept.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_recv = _libc.recv
_recv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_recv.restype = ctypes.c_ssize_t
_send = _libc.send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t
_close = _libc.close
_close.argtypes = (ctypes.c_int,)


def accept(listener: int) -> int | None:
    """The next connection of a socket that listens and does not block; ``None`` if there is none.

    Raises :class:`OSError`, as when there are no descriptors left.
    """
    descriptor: int = _accept(listener, None, None)
    return None if descriptor < 0 and _is_not_now() else descriptor


class Receiver:
    """Reads what has come, in its buffer. One thread may use it."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(MOST_BYTES)
        self._view = memoryview(self._buffer)

    def __call__(self, descriptor: int) -> bytes | None:
        """``None`` if nothing has come yet; empty at the end.

        Raises :class:`OSError`, as when the client has broken the connection off.
        """
        count: int = _recv(descriptor, self._buffer, MOST_BYTES, socket.MSG_DONTWAIT)
        if count < 0 and _is_not_now():
            return None
        return self._view[:count].tobytes()


def send(descriptor: int, data: bytes) -> int:
    """How many bytes were taken.

    Raises :class:`OSError`, as when the client has broken the connection off.
    """
    count: int = _send(descriptor, data, len(data), socket.MSG_DONTWAIT)
    return 0 if count < 0 and _is_not_now() else count


def close(descriptor: int) -> None:
    """Bytes that were taken are sent all the same."""
    _close(descriptor)


def _is_not_now() -> bool:
    """Raises the error of the last call if it is another one."""
    code = ctypes.get_errno()
    if code in NOT_NOW:
        return True
    raise OSError(code, os.strerror(code))
