"""One client's session with its database, which the proxy between them watches and spoils."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from tests.support.database_faults import LOGIN, Ending, Exchange, Fault, Place
from tests.support.postgres_stream import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    NOT_HERE,
    READY,
    SSL_REQUEST,
    TERMINATE,
    Message,
    Stream,
)
from tests.support.prepared_statements import PreparedStatements

IDLE = b"I"


class Rules(Protocol):
    """The parts of a proxy that a session uses."""

    is_silent: bool
    is_silent_after_login: bool

    def connect(self) -> socket.socket:
        """Connect to the server; :class:`OSError` if it is not there."""

    def fault_for(self, exchange: Exchange) -> Fault | None:
        """Note the exchange; the fault that is to hit it."""


class Session:
    """A session that has lost anything stays silent for good.

    Neither side could follow the other any more. The server hears nothing more of it, not even that
    the client has gone.
    """

    def __init__(self, number: int, client: socket.socket, rules: Rules) -> None:
        self._number = number
        self._rules = rules
        self._client = client
        self._server: socket.socket | None = None
        self._is_silent = False
        self._logged_in = False
        self._transaction: tuple[str, ...] = ()
        self._prepared = PreparedStatements()
        self._fault: Fault | None = None
        self._held: list[Message] = []
        self._threads: list[threading.Thread] = []
        self.last_request = ""

    def start(self) -> None:
        self._start(self._pump_requests)

    def silence(self) -> None:
        """Nothing passes from now on."""
        self._is_silent = True

    def cut(self) -> None:
        for end in (self._client, self._server):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut it, and wait until nothing of it is left."""
        # The first thread may be about to start the second.
        while self._threads:
            self.cut()
            self._threads.pop(0).join()
        self._client.close()
        if self._server is not None:
            self._server.close()

    def _start(self, pump: Callable[[], None]) -> None:
        name = f"proxied session {self._number}"
        thread = threading.Thread(target=self._run, args=(pump,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, pump: Callable[[], None]) -> None:
        # The other side may go away during the write.
        with suppress(OSError):
            pump()
        if not self._is_silent:
            self.cut()

    def _passes(self) -> bool:
        self._is_silent |= self._rules.is_silent
        return not self._is_silent

    def _pump_requests(self) -> None:
        stream = Stream(self._client)
        startup = self._startup(stream)
        if startup is not None and self._passes():
            self._server = self._rules.connect()
            self._start(self._pump_answers)
            self._request([startup], LOGIN)
            self._pump_session(stream)
        stream.swallow()

    def _startup(self, stream: Stream) -> Message | None:
        """The packet that begins a session; ``None`` if none begins."""
        while (packet := stream.packet()) is not None and self._passes():
            if packet.code in {SSL_REQUEST, GSS_REQUEST}:
                self._client.sendall(NOT_HERE)
            elif packet.code == CANCEL_REQUEST:
                with self._rules.connect() as server:
                    server.sendall(packet.raw)
                self.cut()
            else:
                return packet
        return None

    def _pump_session(self, stream: Stream) -> None:
        request: list[Message] = []
        for message in stream.messages():
            if not self._passes():
                return
            request.append(message)
            if not self._logged_in or message.kind == TERMINATE:
                self._forward(request)
            elif message.ends_request:
                self._request(request, "".join(part.sql for part in request))
            else:
                continue
            request = []

    def _request(self, messages: list[Message], sql: str) -> None:
        sql = self._prepared.spelt_out(sql)
        exchange = Exchange(self._number, sql, self._transaction, time.monotonic())
        self.last_request = sql
        if sql != LOGIN:
            self._transaction += (sql,)
        fault = self._rules.fault_for(exchange)
        if fault is not None and fault.place is Place.BEFORE:
            self._strike(fault)
            return
        # Its answer may arrive before this thread goes on.
        self._fault = fault
        self._forward(messages)

    def _forward(self, messages: list[Message]) -> None:
        assert self._server is not None
        self._server.sendall(b"".join(message.raw for message in messages))

    def _pump_answers(self) -> None:
        assert self._server is not None
        stream = Stream(self._server)
        for message in stream.messages():
            if not self._passes():
                break
            if message.kind == READY and message.body == IDLE:
                self._transaction = ()
            if self._fault is None or message.asks_for_password:
                self._answer(message)
            else:
                self._hold(message, self._fault)
        stream.swallow()

    def _answer(self, message: Message) -> None:
        if message.kind == READY and not self._logged_in:
            self._logged_in = True
            self._is_silent = self._rules.is_silent_after_login
        self._client.sendall(message.raw)

    def _hold(self, message: Message, fault: Fault) -> None:
        """Keep the answer until it is complete. Then the server has surely done its work."""
        self._held.append(message)
        if message.kind != READY:
            return
        answer = b"".join(held.raw for held in self._held)
        if fault.place is Place.WITHIN:
            self._client.sendall(answer[: len(answer) // 2])
        self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        if fault.ending is Ending.SILENT:
            self.silence()
        else:
            self.cut()
        fault.struck.set()
