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


def keep(sessions: TlsSessions, of: Origin, verified_at: float | None = None) -> Any:
    session = cast("Any", Session())
    sessions.keep(of, session, sessions.now() if verified_at is None else verified_at)
    return session


def offered(sessions: TlsSessions, to: Origin) -> Any:
    kept = sessions.of(to)
    return kept and kept.session


def test_each_origin_has_its_last_session(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    assert sessions.of(origin()) is None
    keep(sessions, origin())
    last, other = keep(sessions, origin()), keep(sessions, origin(1))
    assert (offered(sessions, origin()), offered(sessions, origin(1))) == (last, other)


def test_a_certificate_is_checked_again_after_an_hour_however_often_its_session_is_resumed(
    clock: Clock,
) -> None:
    sessions = TlsSessions(clock)
    keep(sessions, origin())
    for _ in range(3):
        clock.now += LONGEST_SECONDS / 4
        kept = sessions.of(origin())
        assert kept is not None
        keep(sessions, origin(), kept.verified_at)
    assert sessions.of(origin()) is not None
    clock.now += LONGEST_SECONDS / 4
    assert sessions.of(origin()) is None
    keep(sessions, origin())
    assert sessions.of(origin()) is not None


def test_an_answer_that_comes_after_the_hour_does_not_begin_another(clock: Clock) -> None:
    """One connection goes on with a session; another finds it too old before the first is
    answered."""
    sessions = TlsSessions(clock)
    keep(sessions, origin())
    clock.now += LONGEST_SECONDS - 1
    kept = sessions.of(origin())
    assert kept is not None
    clock.now += 1
    assert sessions.of(origin()) is None
    keep(sessions, origin(), kept.verified_at)
    assert sessions.of(origin()) is None


def test_a_session_that_cannot_be_resumed_is_not_kept(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    without_ticket = cast("Any", Session(has_ticket=False))
    sessions.keep(origin(), without_ticket, sessions.now())
    sessions.keep(origin(), None, sessions.now())
    assert sessions.of(origin()) is None


def test_the_sessions_kept_are_few(clock: Clock) -> None:
    sessions = TlsSessions(clock)
    for number in range(MOST_SESSIONS + 1):
        keep(sessions, origin(number))
    assert sessions.of(origin(0)) is None
    assert sessions.of(origin(1)) is not None
