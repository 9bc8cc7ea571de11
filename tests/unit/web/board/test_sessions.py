"""Sessions that every worker with the same token knows."""

import pytest

from storyboard_worker.web.board.sessions import LASTS_SECONDS, MOST_ENDED, Session, Sessions
from tests.support.clock import Clock

TOKEN = "board-token"


@pytest.fixture(scope="module")
def at() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def sessions(at: Clock) -> Sessions:
    return Sessions(TOKEN, at)


def begun(sessions: Sessions) -> tuple[str, Session]:
    value = sessions.begin()
    session = sessions.read(value)
    assert session is not None
    return value, session


def test_each_session_differs_and_holds_no_token(sessions: Sessions) -> None:
    (one, first), (two, second) = begun(sessions), begun(sessions)
    assert one != two
    assert first.form_token != second.form_token
    assert TOKEN not in one
    assert first.form_token not in one


def test_another_worker_with_the_token_knows_it(sessions: Sessions, at: Clock) -> None:
    value, session = begun(sessions)
    assert Sessions(TOKEN, at).read(value) == session
    assert Sessions("another token", at).read(value) is None


def test_a_forged_session_is_none(sessions: Sessions) -> None:
    value, session = begun(sessions)
    ends_at, nonce, signature = value.split(".")
    forged = [
        f"{int(ends_at) + 1}.{nonce}.{signature}",
        f"{ends_at}.{nonce}x.{signature}",
        f"{ends_at}.{nonce}.{session.form_token}",
        f"{ends_at}.{nonce}.",
        f"{ends_at}.{nonce}",
        "",
        "..",
        "a.b.c",
        "\ud800",
        "é" * 5000,
    ]
    assert [sessions.read(one) for one in forged] == [None] * len(forged)


def test_it_ends(at: Clock) -> None:
    sessions = Sessions(TOKEN, at)
    value, _ = begun(sessions)
    at.now += LASTS_SECONDS - 1
    assert sessions.read(value) is not None
    at.now += 1
    assert sessions.read(value) is None


def test_signed_out_of_it_is_over_and_no_other_one(sessions: Sessions) -> None:
    (value, session), (other, _) = begun(sessions), begun(sessions)
    sessions.end(session)
    assert sessions.read(value) is None
    assert sessions.read(other) is not None


def test_the_sessions_that_were_ended_are_bounded(sessions: Sessions) -> None:
    value, session = begun(sessions)
    sessions.end(session)
    for number in range(MOST_ENDED - 1):
        sessions.end(Session(str(number), session.ends_at, ""))
    assert sessions.read(value) is None
    sessions.end(Session("one more", session.ends_at, ""))
    assert sessions.read(value) is not None
