"""20,000 odd answers: the wire and another parser agree on what each of them is.

h11 reads answers in Python. llhttp, in httptools without any leniency, is Node's parser.
"""

import io
import random
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import h11
import httptools
import httpx

from storyboard_worker.wire.answer import Answer, body_length

ANSWERS = 20_000
SEED = 20310506
READ_BYTES = 4096

# fmt: off
START_LINES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ",
    b"HTTP/1.1 204 No", b"HTTP/1.1 304 Same", b"HTTP/1.1 206 Part",
    b"HTTP/1.1 404 \xe4\xb8\xad", b"HTTP/1.1 100 Go", b"HTTP/1.1 101 Switch",
    b"HTTP/1.1 099 Low", b"HTTP/1.1 2000 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1  200 OK",
    b"HTTP/1.1\t200 OK", b"HTTP/2 200 OK", b"HTTP/1.2 200 OK", b"http/1.1 200 OK",
    b"ICY 200 OK", b"", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 O\rK", b" HTTP/1.1 200 OK",
)
FIELDS = (
    b"Content-Length: 5", b"Content-Length: 6", b"Content-Length: 0", b"content-length:5",
    b"Content-Length: 5, 5", b"Content-Length: 5, 6", b"Content-Length: +5",
    b"Content-Length: 0x5", b"Content-Length: 5 ", b"Content-Length : 5",
    b"Content-Length: 1_0", b"Content-Length:", b"Content-Length: 99999999999999999999999",
    b"Content-Length: \xc2\xb2", b"Content-Length: 5\x0b", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked", b"transfer-encoding:chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding:", b"Transfer-Encoding: identity", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x00", b"X\x00Y: 1",
    b"X Y: 1", b"X\tY: 1", b": 1", b"no colon", b"X: a\rb", b"X: a\x00b", b"X: \xff\xfe",
    b" folded", b"\tfolded", b"X\r: 1", b"X: a\x7f", b"Connection: close",
    b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: h2c",
    b"Content-Encoding: gzip", b"X: 1", b"Date: now", b"\x0bX: 1", b"X:\r", b"(X): 1",
)
BODIES = (
    b"hello", b"hell", b"hello!", b"", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n",
    b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n", b"6\r\nhello\r\n0\r\n\r\n",
    b"4\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n",
    b'5;a="b\r\nhello\r\n0\r\n\r\n', b"5 \r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX: 1\r\n\r\n",
    b"00000000000000005\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\nhello", b"\r\nhello",
    b"5\r\nhello\r\n0\r\nX\x00: 1\r\n\r\n", b"5\r\nhello\r\n00\r\n\r\n",
    b"5\r\nhello0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n", b"_5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\nrest",
)
# fmt: on


class Read(NamedTuple):
    """The result of a parser for an answer."""

    status: int
    body: bytes


def ours(data: bytes) -> Read | None:
    stream = io.BytesIO(data)
    answer = Answer(lambda limit: stream.read(min(limit, READ_BYTES)))
    try:
        head = answer.read_head()
        return Read(head.status, b"".join(answer.body(body_length("GET", head))))
    except httpx.RemoteProtocolError:
        return None


def of_h11(data: bytes) -> Read | None:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, body, ended = 0, bytearray(), False
    try:
        while True:
            match connection.next_event():
                case h11.Response() as response:
                    status = response.status_code
                case h11.Data(data=piece):
                    body += piece
                case h11.EndOfMessage():
                    return Read(status, bytes(body))
                case h11.NEED_DATA if not ended:
                    connection.receive_data(b"")
                    ended = True
                case h11.NEED_DATA | h11.PAUSED | h11.ConnectionClosed():
                    return None
    except h11.RemoteProtocolError:
        return None


class Llhttp:
    """The callbacks of the parser."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.found: list[Read] = []
        self._body = bytearray()
        self._status = 0

    def on_headers_complete(self) -> None:
        self._body.clear()
        self._status = self.parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self.found.append(Read(self._status, bytes(self._body)))

    def at_end(self) -> Read | None:
        """The first final answer. An answer that ends with the connection ends here."""
        if self.found:
            return self.found[0]
        return Read(self._status, bytes(self._body)) if self._status >= 200 else None


def of_llhttp(data: bytes) -> Read | None:
    callbacks = Llhttp()
    try:
        callbacks.parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return callbacks.found[0] if callbacks.found else None
    return callbacks.at_end()


def odd_answer(source: random.Random) -> bytes:
    # It is mostly a good beginning. Otherwise hardly any text would be an answer.
    start = START_LINES[0] if source.random() < 0.6 else source.choice(START_LINES)
    fields = source.choices(FIELDS, k=source.choice([0, 1, 1, 1, 2, 2, 3]))
    line_end = source.choices([b"\r\n", b"\n", b"\r"], [20, 2, 1])[0]
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" if source.random() < 0.1 else b""
    head = line_end.join([start, *fields]) + line_end * 2
    return interim + head + source.choice(BODIES)


def test_the_other_parser_agrees_on_what_the_wire_accepts() -> None:
    source = random.Random(SEED)
    others: tuple[Callable[[bytes], Read | None], ...] = (of_h11, of_llhttp)
    alone: list[tuple[bytes, Read]] = []
    verdicts: Counter[str] = Counter()
    for _ in range(ANSWERS):
        data = odd_answer(source)
        read = ours(data)
        verdicts["refused" if read is None else "taken"] += 1
        if read is not None and read not in {other(data) for other in others}:
            alone.append((data, read))
    assert not alone, alone[:10]
    # Some were accepted, so there was something to compare.
    assert min(verdicts["taken"], verdicts["refused"]) > ANSWERS / 20, verdicts
