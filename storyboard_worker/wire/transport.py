"""Sends requests, each over a connection that is idle or over a new one."""

import time
from functools import partial

import httpx

from storyboard_worker.errors import Resource
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.wire.connection import Connection
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.dialing import Dialer, VerifyingTls
from storyboard_worker.wire.pool import IdleConnections
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Origin, Request
from storyboard_worker.wire.resolve import Resolver, resolve_any

SAFE_METHODS = frozenset({"GET", "HEAD"})


class Begun:
    """A ``request`` that was sent before its answer is waited for, and the connection that it went
    over."""

    def __init__(self, request: Request, connection: Connection) -> None:
        self.request = request
        self.begun_at = time.monotonic()
        self._connection: Connection | None = connection

    def take(self) -> Connection | None:
        """The connection, once."""
        connection, self._connection = self._connection, None
        return connection

    def close(self) -> None:
        """Close the connection, unless it was taken."""
        if connection := self.take():
            connection.close()


class Transport:
    """Sends requests over HTTP/1.1, from any number of threads at once.

    ``resolve`` gives the addresses of a host, once for each new connection. Host header, SNI
    and the check of the certificate use the URL's host. ``tls`` makes the contexts that verify;
    as in httpx, the authorities are certifi's, or those that SSL_CERT_FILE or SSL_CERT_DIR name.
    ``connect_timeout_seconds`` bounds the wait for each address and the TLS handshake.
    ``read_timeout_seconds`` bounds each wait for bytes to arrive or to leave, and the sum of the
    waits while a peer moves less than 4 KB a second. Transports that share ``idle`` share its
    room, not its connections.

    The :class:`Deadline` of a request also bounds every wait; cancelling it ends the wait. An
    exchange that outlives it ends with one of httpx's time-outs.

    Every failure is one of httpx's exceptions, without the URL's path or query in its text.
    Exceptions of the resolver and of the request's own body pass through.
    """

    def __init__(
        self,
        *,
        resolve: Resolver = resolve_any,
        tls: VerifyingTls = httpx.create_ssl_context,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        idle: IdleConnections | None = None,
    ) -> None:
        self._idle = idle or IdleConnections()
        self._dialer = Dialer(
            resolve=resolve,
            tls=tls,
            connect_timeout_seconds=connect_timeout_seconds,
            read_timeout_seconds=read_timeout_seconds,
        )

    def begin(self, request: Request, deadline: Deadline) -> Begun | None:
        """Send a request that has no body, without waiting for anything.

        ``None``: no idle connection leads there, or none takes it at once. It may be sent again.
        What is begun has to be passed to :meth:`send`, or closed.
        """
        idle = self._idle.take((self, request.origin))
        if idle is None or not idle.begins(request, deadline):
            return None
        return Begun(request, idle)

    def send(self, request: Request, deadline: Deadline, begun: Begun | None = None) -> Reply:
        """The answer as soon as its head has arrived. Iterating its body reads it.

        ``begun``: this request was begun with the same deadline.
        """
        # A connection of another transport may lead to an address that this one refuses.
        place = (self, request.origin)
        keep = partial(self._idle.put, place)
        idle = begun.take() if begun else self._idle.take(place)
        if idle is not None:
            try:
                return idle.exchange(request, deadline, keep)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                # The peer may have closed the idle connection without having seen the request
                # (RFC 9112, section 9.3.1).
                if idle.answer_began or not _is_repeatable(request):
                    raise
        connection = self._dial(request.origin, deadline)
        reply = connection.exchange(request, deadline, keep)
        self._dialer.answered(request.origin, connection)
        return reply

    def _dial(self, origin: Origin, deadline: Deadline) -> Connection:
        """If no descriptor is free, the idle connections are closed and it is tried once more."""
        try:
            return self._dialer.dial(origin, deadline)
        except httpx.ConnectError as error:
            lack = exhaustion_in(error)
            if lack is None or lack.resource is not Resource.DESCRIPTORS or not self._idle.evict():
                raise
        return self._dialer.dial(origin, deadline)

    def close(self) -> None:
        """Close the idle connections, also those of transports that share their room.

        Connections in use close when their answers end.
        """
        self._idle.close()


def _is_repeatable(request: Request) -> bool:
    """The first try may have used up a body, and may have had its effect at the peer."""
    return request.method in SAFE_METHODS and not request.length_bytes
