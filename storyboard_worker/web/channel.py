"""A connection whose request goes through waitress."""

import json
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask


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


class Channel(HTTPChannel):
    """``came`` is what was received before the channel was made."""

    parser_class = RequestParser
    task_class = OneRequestTask
    error_task_class = JsonErrorTask
    came = b""

    def recv(self, buffer_size: int) -> bytes:
        came, self.came = self.came, b""
        return came or bytes(super().recv(buffer_size))

    def send_and_close(self, answer: bytes) -> None:
        """Sends as the client takes it, in the server's next turns."""
        with self.outbuf_lock:
            self.outbufs[-1].append(answer)
            self.current_outbuf_count += len(answer)
            self.total_outbufs_len += len(answer)
        self.close_when_flushed = True
