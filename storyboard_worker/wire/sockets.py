"""TCP and TLS sockets whose every wait has an end.

The sockets never block. Each call is tried first. It waits, in :func:`_wait`, only if the kernel
has no data or no room. So there is one place that waits, and data that has already arrived costs
one system call. Only the first read after a send waits before it tries: no answer is that quick,
and with many threads each vain call hands the interpreter to another thread. The deadline is
checked before every try, so that it also ends an exchange with a peer that is never waited for.

Errors are raised as httpx's, which the callers of this package expect.
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
from storyboard_worker.wire.waiting import poll_of, wait_for

RECORD_BYTES = 16 * 1024  # at most (RFC 8446, section 5.1)


class WireSocket:
    """One TCP socket, with TLS after :meth:`start_tls`; used by one thread at a time.

    :meth:`use` sets the deadline in force. Cancelling that deadline wakes a thread that waits
    in this socket.
    """

    def __init__(
        self, family: socket.AddressFamily, deadline: Deadline, *, timeout_seconds: float
    ) -> None:
        self._sock = socket.socket(family, socket.SOCK_STREAM)
        self._sock.settimeout(0)
        # A request's head and the end of its body must not wait for an acknowledgement.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The same socket, once it is secured.
        self._tls: ssl.SSLSocket | None = None
        # TLS goes on with the same descriptor.
        self._arrival = poll_of(self._sock, select.POLLIN)
        self._timeout_seconds = timeout_seconds
        self._pace = Pace(timeout_seconds)
        self._awaits_answer = False
        self.use(deadline)

    def use(self, deadline: Deadline) -> None:
        """Let ``deadline`` bound every wait from now on. Cancelling it ends the wait."""
        self._deadline = deadline
        self._pace.begin()
        deadline.watch(self._sock)

    def rest(self) -> None:
        """Detach the socket from its deadline, which must not shut it any more."""
        self._deadline.unwatch(self._sock)

    def close(self) -> None:
        # The deadline forgets the socket first. Otherwise a cancel from another thread could
        # shut a new socket that was given the same descriptor.
        self.rest()
        self._sock.close()

    def connect(self, address: SocketAddress, seconds: float) -> None:
        """Connect within ``seconds``. Raises :class:`TimeoutError` or another :class:`OSError`."""
        try:
            self._sock.connect(address[1])
        except BlockingIOError:
            ends_at = time.monotonic() + seconds
            _wait(self._sock, select.POLLOUT, self._deadline, ends_at)
            failure = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                raise OSError(failure, os.strerror(failure)) from None

    def start_tls(
        self,
        tls: ssl.SSLContext,
        host: str,
        seconds: float,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Shake hands as a client and check the certificate against ``host``, or go on with a
        ``session`` in which that was done.

        Raises :class:`TimeoutError` or another :class:`OSError`, or :class:`ValueError` for a
        name that cannot stand in a certificate.
        """
        # The plain socket object hands its descriptor to the new one.
        self.rest()
        secured = tls.wrap_socket(
            self._sock,
            server_hostname=host,
            do_handshake_on_connect=False,
            # An end without close_notify is an error (RFC 8446, section 6.1). Otherwise a body
            # that was cut would look whole.
            suppress_ragged_eofs=False,
            session=session,
        )
        self._sock = self._tls = secured
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
        """The peer's certificate in the form of :meth:`ssl.SSLSocket.getpeercert`."""
        assert self._tls is not None
        return dict(self._tls.getpeercert() or {})

    @property
    def tls_session(self) -> ssl.SSLSession | None:
        """``None`` without TLS."""
        return None if self._tls is None else self._tls.session

    @property
    def is_resumed(self) -> bool:
        """Whether the peer has gone on with the session that it was offered."""
        return self._tls is not None and bool(self._tls.session_reused)

    def receive(self, limit: int) -> bytes:
        """The bytes that have arrived, at most ``limit``; empty at the end of the stream.

        Raises :class:`httpx.ReadTimeout` or :class:`httpx.ReadError`.
        """
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
        return self._sock.recv(limit) if self._tls is None else _records(self._tls, limit)

    def send_all(self, data: bytes) -> None:
        """Send all of ``data``. Raises :class:`httpx.WriteTimeout` or :class:`httpx.WriteError`."""
        self._awaits_answer = True
        sent = self._send(data)
        if sent == len(data):
            return
        with memoryview(data) as view:
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self._send(rest)

    def sends_at_once(self, data: bytes) -> bool:
        """Send ``data`` without waiting. If it does not go as a whole, the connection is spoilt."""
        self._awaits_answer = True
        with suppress(OSError):
            return self._sock.send(data) == len(data)
        return False

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

        It is meant for an idle connection. With TLS it reads instead of asking poll(2), because a
        session ticket (RFC 8446, section 4.6.1) is no reason to give the connection up.
        """
        if self._tls is None:
            return not self._arrival.poll(0)
        try:
            self._tls.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False

    def _wait_for_answer(self) -> None:
        # poll(2) does not see bytes that TLS has already deciphered.
        if self._tls is None or not self._tls.pending():
            self._wait(select.POLLIN)
        # Before the answer begins only this wait bounds the peer, not its pace.
        self._pace.begin()

    def _wait(self, event: int) -> None:
        began_at = time.monotonic()
        poll = self._arrival if event == select.POLLIN else poll_of(self._sock, event)
        wait_for(poll, min(self._timeout_seconds, self._deadline.remaining_seconds()))
        self._pace.waited(time.monotonic() - began_at)


def _records(sock: ssl.SSLSocket, limit: int) -> bytes:
    """The records that have arrived, joined, at most ``limit`` bytes.

    One read gives one record, which is too little to pass on at a time. A buffer larger than a
    record for each read would cost more than the read.
    """
    records = [sock.recv(min(limit, RECORD_BYTES))]
    missing = limit - len(records[0])
    # There is nothing more for now, or an error that the next read will raise.
    with suppress(OSError):
        while records[-1] and missing:
            records.append(sock.recv(min(missing, RECORD_BYTES)))
            missing -= len(records[-1])
    return b"".join(records)


def _wait(sock: socket.socket, event: int, deadline: Deadline, ends_at: float) -> None:
    """Raises :class:`TimeoutError` if ``event`` has not come by ``ends_at`` or ``deadline``."""
    seconds = min(ends_at - time.monotonic(), deadline.remaining_seconds())
    wait_for(poll_of(sock, event), seconds)
