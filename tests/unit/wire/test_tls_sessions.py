"""How long the session of a TLS connection is gone on with, and how many are kept."""

from dataclasses import dataclass
from typing import Any, cast

from storyboard_worker.wire.request import Origin
from storyboard_worker.wire.tls_sessions import LONGEST_SECONDS, MOST_SESSIONS, TlsSessions
from tests.support.clock import Clock


@dataclass
class Session:
    has_ticket: bool = True


def origin(number: int = 0) -> Origin:
    return Origin("https", f"{number}.example", 443)


def keep(sessions: TlsSessions, of: Origin, *, resumed: bool = False, **facts: bool) -> Any:
    session = cast("Any", Session(**facts))
    sessions.keep(of, session, resumed=resumed)
    return session


def test_each_origin_has_its_last_session(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    assert sessions.of(origin()) is None
    keep(sessions, origin())
    last, other = keep(sessions, origin()), keep(sessions, origin(1))
    assert (sessions.of(origin()), sessions.of(origin(1))) == (last, other)


def test_a_certificate_is_checked_again_after_an_hour_however_often_its_session_is_resumed(
    clock: Clock,
) -> None:
    sessions = TlsSessions(clock)
    keep(sessions, origin())
    for _ in range(3):
        clock.now += LONGEST_SECONDS / 4
        keep(sessions, origin(), resumed=True)
    assert sessions.of(origin()) is not None
    clock.now += LONGEST_SECONDS / 4
    assert sessions.of(origin()) is None
    keep(sessions, origin())
    assert sessions.of(origin()) is not None


def test_a_session_that_cannot_be_resumed_is_not_kept(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    keep(sessions, origin(), has_ticket=False)
    sessions.keep(origin(), None, resumed=False)
    assert sessions.of(origin()) is None


def test_the_sessions_kept_are_few(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    for number in range(MOST_SESSIONS + 1):
        keep(sessions, origin(number))
    assert sessions.of(origin(0)) is None
    assert sessions.of(origin(1)) is not None
