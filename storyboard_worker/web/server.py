"""The server: waitress in a thread of its own, guarded against slow clients.

A connection is first an arrival (``web/arrival.py``), and waitress's if its request needs waiting.
It carries one request. It is closed when its client has not sent the whole request
after a few seconds, or does not read the answer. When there are too many connections, those that
have waited longest for their client are closed. A slow client occupies no thread: threads get whole
requests.
"""

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import close_all, loop

from storyboard_worker.errors import SettingsError
from storyboard_worker.logs import event, log
from storyboard_worker.web.arrival import Arrival, Quick
from storyboard_worker.web.channel import Channel
from storyboard_worker.web.listener import Listener

REQUEST_SECONDS = 10.0
MOST_CONNECTIONS = 100
MOST_HEADER_BYTES = 16_384
# An address that fits into the headers may stand in a form, with its percent signs escaped again.
MOST_BODY_BYTES = 2 * MOST_HEADER_BYTES
BACKLOG = 256
TURN_SECONDS = 0.5
# What sending the last answers may take.
STOP_SECONDS = 2.0


class HttpServer:
    """Serves ``application`` on ``sockets`` that listen, in up to ``threads`` at once.

    ``quick`` are asked first, in the server's own thread, and must never wait.
    """

    def __init__(
        self,
        application: WSGIApplication,
        sockets: Sequence[socket.socket],
        *,
        threads: int,
        quick: Sequence[Quick] = (),
    ) -> None:
        self._application = application
        self._quick = quick
        self._threads = threads
        self._dispatcher = ThreadedTaskDispatcher()
        self._sockets = sockets
        self.port: int = self._sockets[0].getsockname()[1]
        self._map: dict[int, Any] = {}
        self._looked_at = 0.0
        self._listeners: list[Listener] = []
        self._waking = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        # It would log each request that waits for a thread.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        settings = Adjustments(
            backlog=BACKLOG,
            # Twice as many as may be idle: the others have their requests under way.
            connection_limit=2 * MOST_CONNECTIONS,
            channel_timeout=int(REQUEST_SECONDS),
            max_request_header_size=MOST_HEADER_BYTES,
            max_request_body_size=MOST_BODY_BYTES,
            log_socket_errors=False,
            # The board reads what a proxy says of the client. It gives no rights.
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
        self._dispatcher.set_thread_count(self._threads)
        self._listeners = [
            Listener(
                self._application,
                self._map,
                sock,
                settings=settings,
                threads=self._dispatcher,
                quick=self._quick,
            )
            for sock in self._sockets
        ]
        self._thread.start()
        event(logging.INFO, "http server listens", port=self.port)

    def look_again(self) -> None:
        """To be called, in any thread, when a quick answer that was to come soon may be known."""
        self._in_server_thread(self._look_again)

    def stop(self) -> None:
        """Send the answers that are due, then close every connection."""
        self._in_server_thread(self._stopping.set)
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            with self._waking:
                self._listeners.clear()
            close_all(self._map)

    def _in_server_thread(self, call: Callable[[], None]) -> None:
        """Not after the end, when the trigger's descriptor may be that of another file."""
        with self._waking:
            if self._listeners:
                # Typeshed types the trigger as int.
                trigger: Any = self._listeners[0].trigger
                trigger.pull_trigger(call)

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._is_idle()):
            try:
                loop(timeout=TURN_SECONDS, use_poll=True, map=self._map, count=1)
                self._close_late()
                self._look_now_and_then()
            except Exception:  # noqa: BLE001  logged, and the server goes on
                log.exception("a turn of the http server failed")
                self._stopping.wait(TURN_SECONDS)
        self._dispatcher.set_thread_count(0)

    def _look_now_and_then(self) -> None:
        """A read that never ends tells nothing."""
        if time.monotonic() - self._looked_at > TURN_SECONDS:
            self._look_again()

    def _look_again(self) -> None:
        self._looked_at = time.monotonic()
        for connection in self._connections():
            if isinstance(connection, Arrival) and connection.came:
                connection.look()

    def _is_idle(self) -> bool:
        return not any(one.requests or one.total_outbufs_len for one in self._connections())

    def _close_late(self) -> None:
        """Close slow connections; only the server's thread may, and between two turns."""
        now = time.time()
        connections = list(self._connections())
        idle = sorted((one for one in connections if not one.requests), key=_waits_since)
        too_many = max(0, len(connections) - MOST_CONNECTIONS)
        for number, one in enumerate(idle):
            if number < too_many or now - _waits_since(one) > REQUEST_SECONDS:
                one.handle_close()

    def _connections(self) -> Iterator[Channel | Arrival]:
        entries = list(self._map.values())
        return (entry for entry in entries if isinstance(entry, Channel | Arrival))


def _waits_since(one: Channel | Arrival) -> float:
    """Since when the client has kept the server waiting: for its request, or to read the answer."""
    if isinstance(one, Channel) and one.close_when_flushed:
        return one.last_activity
    return one.creation_time


def listening_sockets(port: int) -> list[socket.socket]:
    """One socket for each version of IP that this machine has, on all of its addresses.

    Raises :class:`SettingsError` when the port cannot be had.
    """
    first = _listen(socket.AF_INET, "0.0.0.0", port)  # noqa: S104  the platform's router connects from outside
    try:
        # Private networks, like Railway's, may have IPv6 only.
        return [first, _listen(socket.AF_INET6, "::", first.getsockname()[1])]
    except SettingsError:
        first.close()
        raise
    except OSError:
        return [first]


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """Raises :class:`OSError` where there is no such family."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            reason = "is taken" if error.errno == errno.EADDRINUSE else "may not be used"
            raise SettingsError(
                f"PORT={port} {reason} on this machine: give another, or unset it to serve nothing"
            ) from error
        raise
    return listener
