"""A server that refuses the worker is asked ever more rarely, by one thread at a time."""

from itertools import pairwise

import psycopg
import pytest

from storyboard_worker.database.refusals import Refusals
from storyboard_worker.errors import DatabaseUnavailable
from tests.support.clock import Clock

WRONG_PASSWORD = 'FATAL:  password authentication failed for user "worker"'


@pytest.fixture
def refusals(clock: Clock) -> Refusals:
    return Refusals(clock)


def ask(refusals: Refusals, said: str | None = None) -> None:
    """One attempt to connect. The server refuses it with these words, or accepts it without any."""
    with refusals.heeded():
        if said is not None:
            raise psycopg.OperationalError(said)


def refuse(refusals: Refusals, said: str = WRONG_PASSWORD) -> None:
    with pytest.raises(psycopg.OperationalError):
        ask(refusals, said)


def asked_at(refusals: Refusals, clock: Clock, until_seconds: float) -> list[float]:
    """The moments at which a client that tries every half second asks and is refused."""
    began_at, asked = clock.now, []
    while clock.now < began_at + until_seconds:
        try:
            ask(refusals, WRONG_PASSWORD)
        except psycopg.OperationalError:
            asked.append(clock.now - began_at)
        except DatabaseUnavailable:
            pass
        clock.now += 0.5
    return asked


def test_ever_more_rarely_up_to_a_minute(refusals: Refusals, clock: Clock) -> None:
    asked = asked_at(refusals, clock, 360)
    waited = [later - earlier for earlier, later in pairwise(asked)]
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_the_others_are_told_why_and_until_when(refusals: Refusals, clock: Clock) -> None:
    refuse(refusals)
    with pytest.raises(DatabaseUnavailable, match=r"password authentication.*again in 1 s"):
        ask(refusals)
    clock.now += 1.0
    ask(refusals)


@pytest.mark.parametrize(
    "said",
    [
        WRONG_PASSWORD,
        "FATAL:  Tenant or user not found",
        "FATAL:  (ENOTFOUND) tenant/user postgres.abcdefgh not found",
        "FATAL:  Circuit breaker open: Too many authentication errors",
        "FATAL:  (ECIRCUITBREAKER) too many authentication errors",
        "FATAL:  (EBANNED) tenant is banned: unpaid",
        'FATAL:  (EINVALIDUSERINFO) Authentication error, reason: "Invalid format for user"',
        "FATAL:  no such user: worker",
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "worker", database "app"',
        'FATAL:  role "worker" does not exist',
        'FATAL:  role "worker" is not permitted to log in',
        "fe_sendauth: no password supplied",
        "FATAL:  SASL authentication failed",
    ],
)
def test_words_of_servers_and_poolers_that_refuse(refusals: Refusals, said: str) -> None:
    refuse(refusals, said)
    with pytest.raises(DatabaseUnavailable):
        ask(refusals)


@pytest.mark.parametrize(
    "said",
    [
        "connection refused",
        "server closed the connection unexpectedly",
        "FATAL:  the database system is starting up",
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with privileges",
        'FATAL:  database "app" does not exist',
        "no connection in time",
        "connection timeout expired",
        "FATAL:  (EMAXCLIENTS) max client connections reached",
        "FATAL:  server login has been failing, try again later (server_login_retry)",
    ],
)
def test_a_server_that_is_only_away_may_be_asked_again_at_once(
    refusals: Refusals, said: str
) -> None:
    for _ in range(3):
        refuse(refusals, said)


def test_threads_that_were_refused_together_count_once(refusals: Refusals, clock: Clock) -> None:
    """Each thread had begun before the first answer came."""

    def ask_while_another_is_refused() -> None:
        with refusals.heeded():
            refuse(refusals)
            raise psycopg.OperationalError(WRONG_PASSWORD)

    with pytest.raises(psycopg.OperationalError):
        ask_while_another_is_refused()
    clock.now += 1.0
    ask(refusals)


def test_one_asks_at_a_time(refusals: Refusals, clock: Clock) -> None:
    refuse(refusals)
    clock.now += 1.0
    with refusals.heeded(), pytest.raises(DatabaseUnavailable, match="again in 0 s"):
        ask(refusals)
    ask(refusals)


def test_an_accepted_connection_resets_everything(refusals: Refusals, clock: Clock) -> None:
    asked_at(refusals, clock, 100)
    clock.now += 60
    ask(refusals)
    assert asked_at(refusals, clock, 4) == [0, 1, 3]


@pytest.mark.parametrize("error", [KeyboardInterrupt, psycopg.ProgrammingError])
def test_a_try_that_broke_off_does_not_keep_others_from_asking(
    refusals: Refusals, clock: Clock, error: type[BaseException]
) -> None:
    refuse(refusals)
    clock.now += 1.0
    with pytest.raises(error), refusals.heeded():
        raise error
    ask(refusals)


def test_a_server_that_was_away_in_between_may_be_asked_at_once(
    refusals: Refusals, clock: Clock
) -> None:
    refuse(refusals)
    clock.now += 1.0
    refuse(refusals, "connection refused")
    ask(refusals)
