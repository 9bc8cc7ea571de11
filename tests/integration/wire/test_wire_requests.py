"""Sending requests, also to peers that do not read them."""

import random
import threading
from collections.abc import Callable, Iterable, Iterator

import httpx
import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.wire.outgoing import ONE_PIECE_BYTES, request_pieces
from storyboard_worker.wire.request import Origin, Request, Target, head_of
from tests.support.scripted_server import Peer, ScriptedServer, answer, closing_after, saying

SECRET = "X-Tos-Signature=secret"
MEGABYTE = bytes(1024 * 1024)


def endless(chunk: bytes = MEGABYTE) -> Iterator[bytes]:
    while True:
        yield chunk


def post(client: httpx.Client, url: str, body: Iterator[bytes], length: int) -> httpx.Response:
    return client.post(url, content=body, headers={"Content-Length": str(length)})


def test_head_and_body_arrive_as_they_were_built(client: httpx.Client) -> None:
    heads, bodies = [], []

    def script(peer: Peer) -> None:
        heads.append(peer.read_head())
        bodies.append(peer.read_body(600_002))
        peer.say(answer(b"stored"))

    def body() -> Iterator[bytes]:
        yield b"<"
        yield b""
        yield bytes(range(200)) * 3000
        yield b">"

    with ScriptedServer(script) as server:
        response = post(client, server.url("/up?a=%20b#frag"), body(), 600_002)
        port = server.port
    assert response.content == b"stored"
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"POST /up?a=%20b HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}".encode() in lines
    assert b"Content-Length: 600002" in lines
    assert bodies == [b"<" + bytes(range(200)) * 3000 + b">"]


def test_a_piece_larger_than_every_buffer_arrives_whole(client: httpx.Client) -> None:
    piece = random.Random(1).randbytes(20_000_000)

    def script(peer: Peer) -> None:
        peer.read_head()
        assert peer.read_body(len(piece)) == piece
        peer.say(answer(b"stored", "Connection: close"))

    with ScriptedServer(script) as server:
        response = post(client, server.url(), iter([piece]), len(piece))
    assert response.content == b"stored"


def request_to(path: str, body: Iterable[bytes], length_bytes: int) -> Request:
    target = Target.of(httpx.URL(f"http://127.0.0.1{path}"))
    return Request("POST", target.origin, head_of("POST", target, b""), length_bytes, body)


@pytest.mark.parametrize("part", [b"/a\r\nX-Other: b", b"/a\nb", b"/a\rb"])
def test_no_path_can_add_a_header(part: bytes) -> None:
    target = Target(Origin("http", "127.0.0.1", 80), b"127.0.0.1", part)
    with pytest.raises(httpx.LocalProtocolError, match="line break"):
        head_of("GET", target, b"")


def test_the_head_shares_its_packet_with_a_small_beginning() -> None:
    pieces = list(request_pieces(request_to("/", iter([b"small", bytes(40_000)]), 40_005)))
    assert len(pieces) == 2
    assert pieces[0].endswith(b"\r\n\r\nsmall")


@pytest.mark.parametrize(("chunks", "says"), [([b"12345"], "lacks 5"), ([b"x" * 11], "longer")])
def test_a_body_must_be_as_long_as_declared(
    client: httpx.Client, chunks: list[bytes], says: str
) -> None:
    received = []

    def script(peer: Peer) -> None:
        received.append(peer.read_to_end().partition(b"\r\n\r\n")[2])

    with ScriptedServer(script) as server, pytest.raises(httpx.LocalProtocolError, match=says):
        post(client, server.url(), iter(chunks), 10)
    assert len(received[0]) < 10


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nX-Other: b", "a\rX-Other: b"])
def test_no_header_value_can_add_a_header(client: httpx.Client, value: str) -> None:
    with (
        ScriptedServer(Peer.read_to_end) as server,
        pytest.raises(httpx.LocalProtocolError, match="line break"),
    ):
        client.get(server.url(), headers={"X-Name": value})


@pytest.mark.parametrize(
    "error",
    [
        AttemptError(ErrorCode.IMAGE_TRUNCATED, "the image is not whole"),
        # It must not be taken for an error of the sending.
        httpx.WriteError("of the body"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_of_the_body_breaks_the_request_off_and_passes_through(
    client: httpx.Client, error: BaseException
) -> None:
    received = []

    def script(peer: Peer) -> None:
        received.append(peer.read_to_end())

    def body() -> Iterator[bytes]:
        yield b"first half, "
        yield b"and some more"
        raise error

    with ScriptedServer(script) as server:
        with pytest.raises(type(error)) as caught:
            post(client, server.url(), body(), 20_000)
        assert caught.value is error
    assert received[0].endswith(b"first half, and some more")


def test_a_small_request_goes_out_as_one_piece_or_not_at_all() -> None:
    def body(*, breaks: bool) -> Iterator[bytes]:
        yield b"first half, "
        if breaks:
            raise AttemptError(ErrorCode.IMAGE_TRUNCATED, "the image is not whole")
        yield b"second half"

    [piece] = request_pieces(request_to("/", body(breaks=False), 23))
    assert piece.endswith(b"\r\n\r\nfirst half, second half")
    with pytest.raises(AttemptError):
        next(request_pieces(request_to("/", body(breaks=True), 23)))


def test_a_head_without_a_body_may_be_longer_than_one_piece() -> None:
    [piece] = request_pieces(request_to(f"/{'a' * ONE_PIECE_BYTES}", [], 0))
    assert len(piece) > ONE_PIECE_BYTES
    assert piece.endswith(b"\r\n\r\n")


def test_an_answer_given_before_the_body_was_read_is_received(client: httpx.Client) -> None:
    """The server refuses and closes while megabytes are still to come."""

    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(answer(b"too large", status="413 Content Too Large"))

    with ScriptedServer(script) as server:
        response = post(client, server.url(), endless(), 10**12)
        assert (response.status_code, response.content) == (413, b"too large")
        # That connection cannot serve the next request.
        response = post(client, server.url(), endless(), 10**12)
        assert response.status_code == 413
        assert server.connections == 2


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 413 Content"])
def test_a_peer_that_closes_without_an_answer_is_a_write_error(
    client: httpx.Client, said: bytes
) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.say(said)

    with ScriptedServer(script) as server, pytest.raises(httpx.WriteError) as caught:
        post(client, server.url(), endless(), 10**12)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_peer_that_takes_nothing_is_a_write_timeout(
    make_client: Callable[..., httpx.Client],
) -> None:
    given_up = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_head()
        given_up.wait(20)

    client = make_client(read_timeout_seconds=0.2)
    with ScriptedServer(script) as server:
        with pytest.raises(httpx.WriteTimeout):
            post(client, server.url(), endless(), 10**12)
        given_up.set()


@pytest.mark.parametrize(
    "script",
    [
        Peer.reset,
        saying(b"what?\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: no\r\n\r\n"),
        closing_after(b"HTTP/1.1 200 OK\r\nhalf a he"),
    ],
)
def test_no_error_contains_the_path_or_the_query(
    client: httpx.Client, script: Callable[[Peer], None]
) -> None:
    with ScriptedServer(script) as server, pytest.raises(httpx.TransportError) as caught:
        client.get(server.url(f"/private/image.jpg?{SECRET}"))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        assert "private" not in str(error)
        error = error.__cause__ or error.__context__
