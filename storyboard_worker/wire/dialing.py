"""A new connection to one of a host's addresses."""

import ssl
from collections.abc import Callable
from functools import cached_property

import httpx

from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.wire.certificate_names import check_name
from storyboard_worker.wire.connection import Connection
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.request import Origin
from storyboard_worker.wire.resolve import Resolver, SocketAddress, resolve_within
from storyboard_worker.wire.sockets import WireSocket
from storyboard_worker.wire.tls_sessions import TlsSessions

# Makes a context that verifies certificates.
VerifyingTls = Callable[[], ssl.SSLContext]


class Dialer:
    """Opens connections. Each wait is bounded by the time-outs and by the deadline given."""

    def __init__(
        self,
        *,
        resolve: Resolver,
        tls: VerifyingTls,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
    ) -> None:
        self._resolve = resolve
        self._new_tls = tls
        self._sessions = TlsSessions()
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds

    def dial(self, origin: Origin, deadline: Deadline) -> Connection:
        """A connection to the first of the host's addresses that accepts one.

        Raises :class:`httpx.ConnectTimeout` or :class:`httpx.ConnectError`. Errors of the
        resolver other than :class:`OSError` pass through.
        """
        if origin.scheme != "https":
            return Connection(self._connected(origin, deadline))
        kept = self._sessions.of(origin)
        sock = self._connected(origin, deadline)
        try:
            self._secure(sock, origin, None if kept is None else kept.session)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # The session may be to blame, and one server of many may not know it.
            self._sessions.forget(origin)
            if kept is None or isinstance(error, httpx.ConnectTimeout):
                raise
            sock = self._connected(origin, deadline)
            self._secure(sock, origin, None)
        if kept is not None and sock.is_resumed:
            return Connection(sock, kept.verified_at)
        return Connection(sock, self._sessions.now())

    def answered(self, origin: Origin, connection: Connection) -> None:
        """The peer of a new ``connection`` has answered for the first time."""
        self._sessions.keep(origin, connection.tls_session, connection.verified_at)

    def _connected(self, origin: Origin, deadline: Deadline) -> WireSocket:
        failure: OSError | None = None
        for address in self._addresses(origin, deadline):
            if deadline.expired:
                break
            try:
                return self._try(address, deadline)
            except OSError as error:
                failure = error
                if exhaustion_in(error) is not None:
                    # Another address needs the same resource, and its error would hide the lack.
                    break
        if deadline.expired or isinstance(failure, TimeoutError):
            raise httpx.ConnectTimeout(f"no connection to {origin.host} in time") from failure
        reason = failure or "it has no address"
        raise httpx.ConnectError(f"no connection to {origin.host}: {reason}") from failure

    def _addresses(self, origin: Origin, deadline: Deadline) -> list[SocketAddress]:
        try:
            return resolve_within(
                self._resolve, origin.host, origin.port, deadline, self._connect_timeout_seconds
            )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no address for {origin.host}: {error}") from error
        except OSError as error:
            raise httpx.ConnectError(f"no address for {origin.host}: {error}") from error

    def _try(self, address: SocketAddress, deadline: Deadline) -> WireSocket:
        sock = WireSocket(address[0], deadline, timeout_seconds=self._read_timeout_seconds)
        try:
            sock.connect(address, self._connect_timeout_seconds)
        except OSError:
            sock.close()
            raise
        return sock

    def _secure(self, sock: WireSocket, origin: Origin, session: ssl.SSLSession | None) -> None:
        # A name may end with the root's dot, which certificates leave out (RFC 6066, section 3).
        name = origin.host.removesuffix(".")
        has_underscore = "_" in name
        tls = self._tls_without_names if has_underscore else self._tls
        try:
            sock.start_tls(tls, name, self._connect_timeout_seconds, session)
            if has_underscore:
                check_name(sock.peer_certificate(), name)
        except TimeoutError as error:
            sock.close()
            raise httpx.ConnectTimeout(f"no TLS with {origin.host} in time") from error
        except (OSError, ValueError) as error:
            # ssl.CertificateError is both.
            sock.close()
            raise httpx.ConnectError(f"no TLS with {origin.host}: {error}") from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Reading the authorities takes tens of milliseconds, so it is done once.
        context = self._new_tls()
        context.set_alpn_protocols(["http/1.1"])
        return context

    @cached_property
    def _tls_without_names(self) -> ssl.SSLContext:
        """The same without the check of the name: in OpenSSL no wildcard matches a ``_``."""
        context = self._new_tls()
        context.check_hostname = False
        context.set_alpn_protocols(["http/1.1"])
        return context
