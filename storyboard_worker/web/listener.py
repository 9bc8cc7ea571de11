"""Accepts all connections that have come, and passes on to waitress those that need it."""

import logging
import socket
import time
from collections.abc import Sequence
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import read

from storyboard_worker.logs import event
from storyboard_worker.web.arrival import Arrival, Quick, Reception
from storyboard_worker.web.channel import Channel
from storyboard_worker.web.socket_calls import accept

# Requests that come in the meantime share a turn of the server's thread.
GATHER_SECONDS = 0.004
# After so many the other threads have the interpreter again.
MOST_ACCEPTED = 16
# A connection that cannot be accepted stays in line, so poll would not wait.
LACK_SECONDS = 0.05


class Listener(TcpWSGIServer):
    """``entries`` is waitress's map. ``quick`` are asked first about what a connection brings."""

    def __init__(
        self,
        application: WSGIApplication,
        entries: dict[int, Any],
        sock: socket.socket,
        *,
        settings: Adjustments,
        threads: ThreadedTaskDispatcher,
        quick: Sequence[Quick],
    ) -> None:
        self._listening = sock
        # Typeshed takes it for a map of sockets.
        waitress_map: Any = entries
        self._reception = Reception(entries, quick, self._pass_on)
        super().__init__(
            application,
            waitress_map,
            _sock=sock,
            dispatcher=threads,
            adj=settings,
            bind_socket=False,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
        )

    def handle_accept(self) -> None:
        time.sleep(GATHER_SECONDS)
        try:
            for _ in range(MOST_ACCEPTED):
                if len(self._reception.entries) >= self.adj.connection_limit:
                    return
                descriptor = accept(self._listening.fileno())
                if descriptor is None:
                    return
                Arrival(self._reception, descriptor).handle_read_event()
        except OSError as error:
            event(logging.WARNING, "a connection could not be accepted", error=str(error))
            time.sleep(LACK_SECONDS)

    def _pass_on(self, arrival: Arrival, left: bytes) -> None:
        entries: Any = self._reception.entries
        sock = socket.socket(self.family, self.socktype, fileno=arrival.descriptor)
        try:
            sock.set_inheritable(False)
            self.set_socket_options(sock)
            address = sock.getpeername()
        except OSError:
            # The client has broken off.
            del entries[arrival.descriptor]
            sock.close()
            return
        # It takes the arrival's place among the entries.
        channel = Channel(self, sock, address, self.adj, map=entries)
        channel.creation_time = arrival.creation_time
        if left:
            channel.send_and_close(left)
        else:
            channel.came = arrival.came
            read(channel)
