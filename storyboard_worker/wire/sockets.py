"""TCP and TLS sockets whose every wait ends in time.

The sockets never block. Each call is tried first and only waits, in :func:`_wait`, when the
kernel has nothing to give or no room; so there is one place that can wait, and data that is
already there costs one system call. Only the first read after something was sent waits before
it tries: no answer is that quick, and with many threads each call in vain hands the interpreter
over to another one for nothing. Before every try the deadline is looked at, so that a
peer that never makes us wait cannot outlast it either.

Errors leave as httpx's, because that is what the callers of the package know.
"""

import os
import select
import socket
import ssl
import time
from contextlib import suppress

import httpx

from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.pace import Pace, TooSlow
from storyboard_worker.wire.resolve import SocketAddress

RECORD_BYTES = 16 * 1024  # at most (RFC 8446, section 5.1)


class WireSocket:
    """One TCP socket, with TLS on top if asked for; used by one thread at a time.

    The deadline in force is told with :meth:`use`; while it is, cancelling it wakes whoever
    waits here.
    """

    def __init__(
        self, family: socket.AddressFamily, deadline: Deadline, *, timeout_seconds: float
    ) -> None:
        self._sock = socket.socket(family, socket.SOCK_STREAM)
        self._sock.settimeout(0)
        # A request's head and the end of its body must not wait for an acknowledgement.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout_seconds = timeout_seconds
        self._pace = Pace(timeout_seconds)
        self._awaits_answer = False
        self.use(deadline)

    def use(self, deadline: Deadline) -> None:
        """From now on ``deadline`` bounds every wait, and may wake it."""
        self._deadline = deadline
        self._pace.begin()
        deadline.watch(self._sock)

    def rest(self) -> None:
        """The deadline is over and done with: it must not touch the socket any more."""
        self._deadline.unwatch(self._sock)

    def close(self) -> None:
        # First out of the deadline's sight: a cancel from another thread could otherwise hit
        # a new socket that was given the same descriptor.
        self.rest()
        self._sock.close()

    def connect(self, address: SocketAddress, seconds: float) -> None:
        """Raises :class:`TimeoutError` or another :class:`OSError`."""
        try:
            self._sock.connect(address[1])
        except BlockingIOError:
            ends_at = time.monotonic() + seconds
            _wait(self._sock, select.POLLOUT, self._deadline, ends_at)
            failure = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                raise OSError(failure, os.strerror(failure)) from None

    def start_tls(self, tls: ssl.SSLContext, host: str, seconds: float) -> None:
        """Shake hands as a client and check the certificate against ``host``.

        Raises :class:`TimeoutError` or another :class:`OSError`, or :class:`ValueError` for a
        name that cannot stand in a certificate.
        """
        # The plain object gives its descriptor away to the new one.
        self.rest()
        secured = tls.wrap_socket(
            self._sock,
            server_hostname=host,
            do_handshake_on_connect=False,
            # An end without close_notify is no end: what was cut would pass for whole (RFC 8446,
            # section 6.1).
            suppress_ragged_eofs=False,
        )
        self._sock = secured
        self.use(self._deadline)
        ends_at = time.monotonic() + seconds
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                _wait(secured, select.POLLIN, self._deadline, ends_at)
            except ssl.SSLWantWriteError:
                _wait(secured, select.POLLOUT, self._deadline, ends_at)
            else:
                return

    def peer_certificate(self) -> dict[str, object]:
        """As :meth:`ssl.SSLSocket.getpeercert` has it."""
        assert isinstance(self._sock, ssl.SSLSocket)
        return dict(self._sock.getpeercert() or {})

    def receive(self, limit: int) -> bytes:
        """What is there, at most ``limit`` bytes; none at the end of the stream."""
        try:
            if self._awaits_answer and not self._deadline.expired:
                self._awaits_answer = False
                self._wait_for_answer()
            while not self._deadline.expired:
                try:
                    data = self._read(limit)
                except (BlockingIOError, ssl.SSLWantReadError):
                    self._wait(select.POLLIN)
                except ssl.SSLWantWriteError:
                    self._wait(select.POLLOUT)
                else:
                    # A cancelled deadline has shut the connection, which looks like its end.
                    if data or not self._deadline.expired:
                        self._pace.moved(len(data))
                        return data
        except TooSlow as error:
            raise httpx.ReadTimeout(f"the peer sends {error}") from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("the peer sent nothing in time") from error
        except OSError as error:
            raise httpx.ReadError(f"the connection broke while reading: {error}") from error
        raise httpx.ReadTimeout("the time was up while reading")

    def _read(self, limit: int) -> bytes:
        if not isinstance(self._sock, ssl.SSLSocket):
            return self._sock.recv(limit)
        return _records(self._sock, limit)

    def send_all(self, data: bytes) -> None:
        """All of ``data``, however often the peer has to be waited for."""
        self._awaits_answer = True
        sent = self._send(data)
        if sent == len(data):
            return
        with memoryview(data) as view:
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self._send(rest)

    def _send(self, data: bytes | memoryview) -> int:
        try:
            while not self._deadline.expired:
                try:
                    sent = self._sock.send(data)
                except (BlockingIOError, ssl.SSLWantWriteError):
                    self._wait(select.POLLOUT)
                except ssl.SSLWantReadError:
                    self._wait(select.POLLIN)
                else:
                    self._pace.moved(sent)
                    return sent
        except TooSlow as error:
            raise httpx.WriteTimeout(f"the peer takes {error}") from error
        except TimeoutError as error:
            raise httpx.WriteTimeout("the peer took nothing in time") from error
        except OSError as error:
            raise httpx.WriteError(f"the connection broke while writing: {error}") from error
        raise httpx.WriteTimeout("the time was up while writing")

    def is_quiet(self) -> bool:
        """True while the peer has neither sent anything nor closed.

        Asked of an idle connection. Reading beats asking poll(2): a session ticket may lie
        in a TLS connection (RFC 8446, section 4.6.1), which is no reason to give it up.
        """
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def _wait_for_answer(self) -> None:
        # What TLS has deciphered already, poll(2) does not see.
        if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            self._wait(select.POLLIN)
        # What a peer takes its time for before it begins is bounded by that wait alone.
        self._pace.begin()

    def _wait(self, event: int) -> None:
        began_at = time.monotonic()
        _wait(self._sock, event, self._deadline, began_at + self._timeout_seconds)
        self._pace.waited(time.monotonic() - began_at)


def _records(sock: ssl.SSLSocket, limit: int) -> bytes:
    """As much as is there. One read gives one record, which is little to hand on at a time, and
    making room for more than that in each costs more than reading it."""
    records = [sock.recv(min(limit, RECORD_BYTES))]
    missing = limit - len(records[0])
    # Nothing more for now, or an error, which the next read will show.
    with suppress(OSError):
        while records[-1] and missing:
            records.append(sock.recv(min(missing, RECORD_BYTES)))
            missing -= len(records[-1])
    return b"".join(records)


def _wait(sock: socket.socket, event: int, deadline: Deadline, ends_at: float) -> None:
    """Until ``event``, or an error of the connection, which the next call will show.

    poll(2) rather than select(2), which knows no descriptor above 1023.
    """
    seconds = min(ends_at - time.monotonic(), deadline.remaining_seconds())
    poll = select.poll()
    poll.register(sock, event)
    if seconds <= 0 or not poll.poll(seconds * 1000):
        raise TimeoutError("timed out")
