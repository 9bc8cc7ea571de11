"""httpx over the wire, so that tests have its whole client to ask and to compare with."""

import math
from collections.abc import Iterator

import httpx

from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.reply import Reply
from storyboard_worker.wire.request import Request, Target, field_lines, head_of
from storyboard_worker.wire.transport import Transport


class HttpxTransport(httpx.BaseTransport):
    """A request may carry a :class:`Deadline` in ``extensions["deadline"]``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = request.extensions.get("deadline") or Deadline(math.inf)
        reply = self._transport.send(_request(request), deadline)
        return httpx.Response(
            reply.status,
            headers=reply.head.fields,
            stream=_Stream(reply),
            extensions={
                "http_version": f"HTTP/{reply.head.version}".encode(),
                "reason_phrase": reply.head.reason,
            },
        )

    def close(self) -> None:
        self._transport.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reply.body)

    def close(self) -> None:
        self._reply.body.close()


def _request(request: httpx.Request) -> Request:
    target = Target.of(request.url)
    fields = [field for field in request.headers.raw if field[0].lower() != b"host"]
    assert isinstance(request.stream, httpx.SyncByteStream)
    return Request(
        request.method,
        target.origin,
        head_of(request.method, target, field_lines(*fields)),
        int(request.headers.get("content-length", 0)),
        request.stream,
        closes=request.headers.get("connection", "").lower() == "close",
    )
