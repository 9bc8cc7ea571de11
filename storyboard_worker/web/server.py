"""The server: waitress in a thread of its own, guarded against slow clients.

Each connection carries one request. It is closed when its client has not sent the whole request
after a few seconds, or does not read the answer. When there are too many connections, those that
have waited longest for their client are closed. A slow client occupies no thread: threads get whole
requests.
"""

import errno
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar
from wsgiref.types import WSGIApplication

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, WSGITask
from waitress.wasyncore import close_all, loop

from storyboard_worker.errors import SettingsError
from storyboard_worker.logs import event, log

REQUEST_SECONDS = 10.0
MOST_CONNECTIONS = 100
MOST_HEADER_BYTES = 16_384
# An address that fits into the headers may stand in a form, with its percent signs escaped again.
MOST_BODY_BYTES = 2 * MOST_HEADER_BYTES
BACKLOG = 256
TURN_SECONDS = 0.5
# What sending the last answers may take.
STOP_SECONDS = 2.0


class RequestParser(HTTPRequestParser):
    """Ignores «Expect: 100-continue» on a request without a body (RFC 9110, 10.1.1).

    waitress would answer 100 and read the next request as the body of this one: the client would
    get the answer to the second request in place of the first.
    """

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:
            self.expect_continue = False
        return consumed


class OneRequestTask(WSGITask):
    """Closes the connection after one request: pipelined requests would fill the buffers."""

    def start(self) -> None:
        super().start()
        self.set_close_on_finish()


class JsonErrorTask(ErrorTask):
    """The answer to a malformed request."""

    def execute(self) -> None:
        request: Any = self.request
        error = request.error
        body = json.dumps({"error": error.reason.lower()}).encode() + b"\n"
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


# The answer to a whole request that needs no waiting, or ``None`` for all others.
Quick = Callable[[bytes], bytes | None]


class Channel(HTTPChannel):
    parser_class = RequestParser
    task_class = OneRequestTask
    error_task_class = JsonErrorTask
    answers: ClassVar[Sequence[Quick]] = ()

    def received(self, data: bytes) -> bool:
        is_first = self.request is None and not self.requests and not self.close_when_flushed
        for quick in self.answers if is_first else ():
            answer = quick(data)
            if answer is not None:
                self._send_and_close(answer)
                return True
        taken: bool = super().received(data)
        return taken

    def _send_and_close(self, answer: bytes) -> None:
        with self.outbuf_lock:
            self.outbufs[-1].append(answer)
            self.current_outbuf_count += len(answer)
            self.total_outbufs_len += len(answer)
        self.close_when_flushed = True
        # Typeshed knows only what waitress calls public.
        channel: Any = self
        channel._flush_exception(channel._flush_some)  # noqa: SLF001
        # What a slow client has not taken yet is sent by the server's next turns.
        if not self.total_outbufs_len:
            self.handle_close()


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
        self._sockets = sockets
        self.port: int = self._sockets[0].getsockname()[1]
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        # It would log each request that waits for a thread.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        server = create_server(
            self._application,
            map=self._map,
            sockets=self._sockets,
            threads=self._threads,
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
        self._dispatcher = server.task_dispatcher
        asks_first = {"answers": self._quick}
        for listener in self._listeners():
            listener.channel_class = type("QuickChannel", (Channel,), asks_first)
        self._thread.start()
        event(logging.INFO, "http server listens", port=self.port)

    def stop(self) -> None:
        """Send the answers that are due, then close every connection."""
        # The trigger wakes the server's thread, which makes the call. (Typeshed types it as int.)
        trigger: Any = next(self._listeners()).trigger
        trigger.pull_trigger(self._stopping.set)
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            close_all(self._map)

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._is_idle()):
            try:
                loop(timeout=TURN_SECONDS, use_poll=True, map=self._map, count=1)
                self._close_late()
            except Exception:  # noqa: BLE001  logged, and the server goes on
                log.exception("a turn of the http server failed")
                self._stopping.wait(TURN_SECONDS)
        self._dispatcher.set_thread_count(0)

    def _is_idle(self) -> bool:
        return not any(
            channel.requests or channel.total_outbufs_len for channel in self._channels()
        )

    def _close_late(self) -> None:
        """Close slow connections; only the server's thread may, and between two turns."""
        now = time.time()
        channels = list(self._channels())
        idle = sorted((channel for channel in channels if not channel.requests), key=_waits_since)
        too_many = max(0, len(channels) - MOST_CONNECTIONS)
        for number, channel in enumerate(idle):
            if number < too_many or now - _waits_since(channel) > REQUEST_SECONDS:
                channel.handle_close()

    def _channels(self) -> Iterator[HTTPChannel]:
        return (entry for entry in list(self._map.values()) if isinstance(entry, HTTPChannel))

    def _listeners(self) -> Iterator[BaseWSGIServer]:
        return (entry for entry in list(self._map.values()) if isinstance(entry, BaseWSGIServer))


def _waits_since(channel: HTTPChannel) -> float:
    """Since when the client has kept the server waiting: for its request, or to read the answer."""
    answered: bool = channel.close_when_flushed
    return float(channel.last_activity if answered else channel.creation_time)


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
