"""Wrong tokens are refused and slowed down, and do not keep out the right one."""

import itertools
from uuid import UUID

import pytest

from storyboard_worker.web.board.guesses import BURST, FREE_GUESSES
from tests.integration.web.served import Serve, Served
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.http_client import call

UNKNOWN = UUID("5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a")
RETRY = f"/api/storyboards/{UNKNOWN}/retry"
OWN = "192.0.2.1"


@pytest.fixture
def stranger(board: Served) -> Browser:
    return Browser(board.port)


def test_a_wrong_token_is_refused(stranger: Browser) -> None:
    tokens = ["", "mistyped", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "看板\x00", "\x00"]
    for number, token in enumerate(tokens):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        reply = stranger.post("/login", {"token": token}, headers)
        page = Document(reply.text)
        assert reply.status == 401
        assert "This token is wrong." in page.text
        assert not token or token not in reply.text
        assert stranger.cookies == {}


def guess(port: int, address: str, token: str, path: str = "/login") -> int:
    headers = {"X-Forwarded-For": address}
    browser = Browser(port)
    if path == "/login":
        return browser.post(path, {"token": token}, headers).status
    return call(port, path, "POST", token=token, headers=headers).status


@pytest.mark.parametrize("path", ["/login", RETRY])
def test_wrong_tokens_are_slowed_down(board: Served, path: str) -> None:
    statuses = [guess(board.port, "192.0.2.1", "wrong", path) for _ in range(FREE_GUESSES + 1)]
    assert statuses == [401] * FREE_GUESSES + [429]
    # Not even the right one is taken now, else guessing would go on.
    assert guess(board.port, "192.0.2.1", TOKEN) == 429
    assert guess(board.port, "192.0.2.2", TOKEN) == 303


def test_strangers_do_not_keep_out_a_token_that_cannot_be_guessed(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    token = "0123456789abcdef" * 2
    port = serve(board_token=token).port
    assert "may be guessed" not in caplog.text
    for path, taken in (("/login", 303), (RETRY, 404)):
        # First more addresses than the limit of all has room for, then the owner's own one.
        others = (f"198.51.100.{number}" for number in itertools.count())
        assert any(guess(port, next(others), "wrong", path) == 429 for _ in range(2 * int(BURST)))
        assert guess(port, OWN, token, path) == taken
        assert any(guess(port, OWN, "wrong", path) == 429 for _ in range(2 * FREE_GUESSES))
        assert guess(port, OWN, token, path) == taken


def test_a_known_wrong_token_is_called_wrong(serve: Serve) -> None:
    """The right one would have been taken, so there is nothing to wait for."""
    browser = Browser(serve(board_token="0123456789abcdef" * 2).port)
    for _ in range(FREE_GUESSES):
        browser.post("/login", {"token": "wrong"})
    reply = browser.post("/login", {"token": "wrong"})
    assert (reply.status, int(reply.headers["retry-after"]) >= 1) == (429, True)
    assert "This token is wrong." in Document(reply.text).text


def test_a_token_that_can_be_guessed_is_warned_of(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    serve(board_token=TOKEN)
    assert "BOARD_TOKEN may be guessed" in caplog.text


def test_what_a_slowed_down_person_sees(board: Served) -> None:
    browser = Browser(board.port)
    for _ in range(FREE_GUESSES):
        browser.post("/login", {"token": "wrong"})
    reply = browser.post("/login", {"token": TOKEN, "to": f"/panels/{UNKNOWN}"})
    assert reply.status == 429
    assert int(reply.headers["retry-after"]) >= 1
    page = Document(reply.text)
    assert "Too many wrong tokens." in page.text
    assert page.form("/login").fields["to"] == f"/panels/{UNKNOWN}"
