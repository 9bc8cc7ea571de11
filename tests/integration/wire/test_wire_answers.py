"""Where answers end, and which bytes are no answer."""

import io
import ssl
import threading
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard_worker.wire.answer import Answer, body_length
from storyboard_worker.wire.dialing import VerifyingTls
from tests.integration.wire.clients import MakeClient
from tests.support.scripted_server import Peer, ScriptedServer, answer, closing_after, saying

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(data: bytes, method: str = "GET", *, piece: int = 65536) -> bytes:
    """The body of the answer in ``data``, which arrives in pieces."""
    stream = io.BytesIO(data)
    answer = Answer(lambda limit: stream.read(min(limit, piece)))
    head = answer.read_head()
    return b"".join(answer.body(body_length(method, head)))


@pytest.mark.parametrize("piece", [1, 2, 7, 65536])
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (answer(b"hello"), b"hello"),
        (answer(b"hello") + b"next", b"hello"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200\r\nServer: old\r\n\r\nno reason", b"no reason"),
        (CHUNKED + b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n", b"hello world"),
        (CHUNKED + b"00a\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n", b"0123456789"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"after"), b"after"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + answer(b"after"), b"after"),
        (answer(b"x", *(f"X-{number}: 1" for number in range(99))), b"x"),
    ],
)
def test_bodies_end_where_they_should(data: bytes, body: bytes, piece: int) -> None:
    assert read(data, piece=piece) == body


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "before an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "before an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "does not begin as HTTP"),
        (b"HTTP/2 200\r\n\r\n", "does not begin as HTTP"),
        (b"HTTP/1.1 099 Odd\r\n\r\n", "status"),
        (b"HTTP/1.1 2OO OK\r\n\r\n", "does not begin as HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "unasked"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "unasked"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 21, "interim"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "header"),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", "header"),
        (answer(b"x", "X-Folded: a\r\n  b"), "whitespace"),
        (b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "CR"),
        (answer(b"x", "X\0Y: a"), "header"),
        (answer(b"x", "X Y: a"), "header"),
        (answer(b"x", "X\rY: a"), "header"),
        (answer(b"x", ": a"), "header"),
        (answer(b"x", "X: a\0"), "header"),
        (answer(b"x", "X: a\rb"), "header"),
        (answer(b"x", *(f"X-{number}: 1" for number in range(100))), "header lines"),
        (answer(b"x", "X: " + "x" * 200_000), "head of more than"),
        (answer(b"hello", "Content-Length: 5"), "Content-Length"),
        (answer(b"hello", "Content-Length: 6"), "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n0123456789", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "coding"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \r\n\r\nx", "Transfer-Encoding"),
        (answer(b"0\r\n\r\n", "Transfer-Encoding: chunked"), "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "1 of 6 bytes are missing"),
        (CHUNKED + b"5\r\nhel", "last chunk"),
        (CHUNKED + b"5\r\nhello\r\n", "last chunk"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", "last chunk"),
        (CHUNKED + b"5\r\nhello world\r\n0\r\n\r\n", "broken chunked"),
        # A chunk that is a byte short takes the CR that follows it.
        (CHUNKED + b"6\r\nhello\r\n0\r\n\r\n", "broken chunked"),
        (CHUNKED + b"5\nhello\r\n0\r\n\r\n", "broken chunked"),
        (CHUNKED + b"5\r\nhello\n0\r\n\r\n", "broken chunked"),
        (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "broken chunked"),
        (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", "broken chunked"),
        (CHUNKED + b"0\r\n" + b"X: 1\r\n" * 101 + b"\r\n", "header lines"),
    ],
)
def test_an_incomplete_answer_is_a_protocol_error(data: bytes, says: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match=says):
        read(data)


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")]
)
def test_answers_that_have_no_body_whatever_they_declare(method: str, status: str) -> None:
    data = f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode()
    assert read(data, method) == b""
    assert read(data + b"hello", method) == b""


@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK\r\n",
                b"HTTP/1.1 100 C\r\n",
                b"Content-Length: 3\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"3\r\n",
                b"0\r\n",
                b"\r\n",
                b"abc",
            ]
        )
        | st.binary(max_size=6)
    ),
    st.integers(1, 9),
)
def test_any_bytes_are_read_or_refused(pieces: list[bytes], piece: int) -> None:
    """Bytes mean the same however they are cut, and no other exception is raised."""

    def outcome(piece: int) -> bytes | str:
        try:
            return read(b"".join(pieces), piece=piece)
        except httpx.RemoteProtocolError as error:
            return str(error)

    assert outcome(piece) == outcome(65536)


def test_status_reason_and_fields_reach_httpx(client: httpx.Client) -> None:
    said = answer(b"{}", "X-Twice: a", "X-Twice: b", status="418 I'm a teapot")
    with ScriptedServer(saying(said)) as server:
        response = client.get(server.url())
        client.close()
    assert (response.status_code, response.reason_phrase) == (418, "I'm a teapot")
    assert response.headers.get_list("x-twice") == ["a", "b"]
    assert response.http_version == "HTTP/1.1"
    assert response.content == b"{}"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        CHUNKED + b"64\r\nhalf",
        CHUNKED + b"4\r\nhalf\r\n",
        CHUNKED + b"4\r\nhalf\r\nwhat?\r\n",
    ],
)
def test_a_truncated_body_gives_what_came_and_then_an_error(
    client: httpx.Client, data: bytes
) -> None:
    received: list[bytes] = []

    def receive(response: httpx.Response) -> None:
        for chunk in response.iter_raw():
            received.append(chunk)  # noqa: PERF402 - an exception ends it halfway

    with (
        ScriptedServer(closing_after(data)) as server,
        client.stream("GET", server.url()) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        receive(response)
    assert b"".join(received) == b"half"


def test_chunks_come_as_they_arrive(client: httpx.Client) -> None:
    """No byte is held back until a buffer is full."""
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\none,")
        # The client cannot ask for more before it has received this.
        assert peer.sock.recv(1) == b""
        assert received == [b"one,"]

    with ScriptedServer(script) as server, client.stream("GET", server.url()) as response:
        chunks = response.iter_raw()
        received.append(next(chunks))
        chunks.close()  # type: ignore[attr-defined]


def test_a_reset_inside_the_body_is_a_read_error(client: httpx.Client) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        read_first.wait(20)
        peer.reset()

    read_first = threading.Event()
    with ScriptedServer(script) as server, client.stream("GET", server.url()) as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"half"
        read_first.set()
        with pytest.raises(httpx.ReadError) as caught:
            next(chunks)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("clean", [True, False])
def test_a_body_that_ends_with_the_connection_needs_a_clean_end_of_tls(
    make_client: MakeClient,
    server_tls: ssl.SSLContext,
    trusting_tls: VerifyingTls,
    *,
    clean: bool,
) -> None:
    """Any hop can end TCP. Only the peer can send close_notify (RFC 8446, section 6.1)."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        if clean:
            assert isinstance(peer.sock, ssl.SSLSocket)
            with suppress(OSError):
                peer.sock.unwrap()

    with ScriptedServer(script, tls=server_tls) as server:
        client = make_client(tls=trusting_tls)
        if clean:
            assert client.get(server.url(host="localhost")).content == b"all of it"
        else:
            with pytest.raises(httpx.ReadError):
                client.get(server.url(host="localhost"))


def test_a_body_of_known_length_needs_no_end_of_tls(
    make_client: MakeClient, server_tls: ssl.SSLContext, trusting_tls: VerifyingTls
) -> None:
    with ScriptedServer(closing_after(answer(b"all of it")), tls=server_tls) as server:
        client = make_client(tls=trusting_tls)
        assert client.get(server.url(host="localhost")).content == b"all of it"
