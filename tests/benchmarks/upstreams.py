"""A source and a storage as quick as Python sockets get, in a process of their own.

The stand-ins of the demo follow the protocols to the letter; here the other side must cost as
little as possible, so that what is measured is the worker. The storage counts what it gets and
answers with the MD5 that the image has; that every byte arrives is for the tests to show.
"""

import hashlib
import json
import multiprocessing
import re
import socket
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Self

RECEIVE_BYTES = 1024 * 1024
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
PUBLIC_ID = re.compile(rb'name="public_id"\r\n\r\n([^\r]+)\r\n')
FILE_START = re.compile(rb'name="file"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n')


class Upstreams:
    """``body`` is what the source serves for every path. ``with`` starts and stops it."""

    def __init__(self, body: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(body, other), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self.source_port, self.storage_port = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join(10)
        self._pipe.close()

    def first_request_at(self) -> float:
        """By :func:`time.monotonic`, which all processes of a machine share."""
        self._pipe.send("first")
        moment: float = self._pipe.recv()
        return moment

    def forget(self) -> None:
        """Take the next request for the first one."""
        self._pipe.send("forget")
        self._pipe.recv()


class _First:
    def __init__(self) -> None:
        self.at = 0.0

    def note(self) -> None:
        if not self.at:
            self.at = time.monotonic()


def _serve(body: bytes, pipe: Connection) -> None:
    first = _First()
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body)
    ports = (
        _listen(lambda connection: _source(connection, answer, body, first)),
        _listen(lambda connection: _storage(connection, md5)),
    )
    pipe.send(ports)
    while (asked := pipe.recv()) is not None:
        if asked == "forget":
            first.at = 0.0
        pipe.send(first.at)


def _listen(converse: Any) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def _source(connection: socket.socket, answer: bytes, body: bytes, first: _First) -> None:
    request = b""
    while received := connection.recv(65_536):
        first.note()
        request += received
        if request.endswith(b"\r\n\r\n"):
            connection.sendmsg([answer, body]) if len(body) < RECEIVE_BYTES else connection.sendall(
                answer + body
            )
            request = b""


def _storage(connection: socket.socket, md5: str) -> None:
    buffer = bytearray(RECEIVE_BYTES)
    view = memoryview(buffer)
    while head := _read_head(connection):
        headers, _, rest = head.partition(b"\r\n\r\n")
        left = int(LENGTH.search(headers)[1]) - len(rest)  # type: ignore[index]  # always sent
        opening = rest
        # The fields come first; of the rest only length and hash matter.
        while not FILE_START.search(opening) and left > 0:
            received = connection.recv(min(65_536, left))
            opening += received
            left -= len(received)
        start = FILE_START.search(opening)
        assert start is not None
        closing = len(opening[: opening.index(b"\r\n")]) + 6
        total = len(opening) - start.end() + left - closing
        while left > 0:
            received_bytes = connection.recv_into(view, min(left, RECEIVE_BYTES))
            if not received_bytes:
                return
            left -= received_bytes
        public_id = PUBLIC_ID.search(opening)
        assert public_id is not None
        connection.sendall(_stored(public_id[1].decode(), total, md5))


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(65_536)
        if not received:
            return b""
        head += received
    return head


def _stored(public_id: str, length: int, md5: str) -> bytes:
    answer = json.dumps(
        {
            "asset_id": hashlib.md5(public_id.encode(), usedforsecurity=False).hexdigest(),
            "public_id": public_id,
            "version": 1,
            "format": "png",
            "width": 100,
            "height": 100,
            "bytes": length,
            "etag": md5,
            "secure_url": f"https://storage.invalid/{public_id}.png",
        }
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(answer) + answer
