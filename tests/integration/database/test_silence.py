"""When a server falls silent at any point, the wait ends and the socket is shut."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import CommitInDoubt, DatabaseUnavailable, DataRefused
from tests.integration.database.scripted_postgres import (
    LOGIN,
    TIMEOUT_SECONDS,
    Fault,
    ScriptedPostgres,
)

# A loaded machine may wake late, but the driver's own limits are 2 s and more.
LATE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0

FAULTS = [Fault.SILENCE, Fault.HALF_AN_ANSWER, Fault.CLOSE]
TWO = Call(FixedStatement("SELECT 2", {}, {}), {}, scalar_row)

DatabaseOf = Callable[[ScriptedPostgres], Database]


@contextmanager
def bounded(seconds: float = TIMEOUT_SECONDS) -> Iterator[None]:
    began_at = time.monotonic()
    yield
    assert time.monotonic() - began_at < seconds + LATE_SECONDS


def work(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("SELECT 1")


def is_shut(server: ScriptedPostgres) -> bool:
    return server.closed.acquire(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_to_a_transaction_in_one_message(database_of: DatabaseOf, fault: Fault) -> None:
    server = ScriptedPostgres("SELECT 2", fault)
    database = database_of(server)
    with bounded(), pytest.raises(DatabaseUnavailable):
        database.run(TWO)
    assert is_shut(server)
    assert database.run(TWO) == ["public"]
    assert server.logins == 2


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", ["BEGIN", "SELECT 1", "COMMIT"])
def test_an_answer_that_does_not_come(database_of: DatabaseOf, at: str, fault: Fault) -> None:
    server = ScriptedPostgres(at, fault)
    database = database_of(server)
    with bounded(), pytest.raises(DatabaseUnavailable) as raised:
        work(database)
    # Only after a COMMIT was sent may anything have been committed.
    assert isinstance(raised.value, CommitInDoubt) == (at == "COMMIT")
    assert is_shut(server)
    work(database)
    assert server.logins == 2


def test_a_commit_that_is_refused_is_not_in_doubt(database_of: DatabaseOf) -> None:
    database = database_of(ScriptedPostgres("COMMIT", Fault.REFUSAL))
    with pytest.raises(DataRefused, match="duplicate"):
        work(database)


def test_a_login_that_is_not_answered(database_of: DatabaseOf) -> None:
    server = ScriptedPostgres(LOGIN)
    database = database_of(server)
    with bounded(), pytest.raises(DatabaseUnavailable, match="no connection in time"):
        work(database)
    assert is_shut(server)
    work(database)


def test_tidying_up_on_the_way_back_to_the_pool(database_of: DatabaseOf) -> None:
    server = ScriptedPostgres("ROLLBACK")
    database = database_of(server)

    def break_off() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("SELECT 1")
            raise ZeroDivisionError

    with bounded(), pytest.raises(DatabaseUnavailable) as raised:
        break_off()
    assert not isinstance(raised.value, CommitInDoubt)
    assert is_shut(server)
    work(database)
    assert server.logins == 2


def test_many_short_answers_share_one_bound(database_of: DatabaseOf) -> None:
    """The bound holds from BEGIN to COMMIT, not for each exchange."""
    server = ScriptedPostgres()
    database = database_of(server)
    work(database)
    server.seconds = TIMEOUT_SECONDS / 3

    def work_for_long() -> None:
        with database.transaction() as connection:
            for _ in range(20):
                connection.exec_driver_sql("SELECT 1")

    with bounded(), pytest.raises(DatabaseUnavailable, match="no answer within"):
        work_for_long()


@pytest.mark.parametrize("in_one_message", [False, True])
def test_a_connection_of_the_same_age_is_not_trusted(
    database_of: DatabaseOf,
    in_one_message: bool,  # noqa: FBT001  a parameter
) -> None:
    server = ScriptedPostgres("SELECT 2", faulty_connections=2)
    database = database_of(server)
    with database.transaction(), database.transaction():
        assert server.logins == 2

    def break_one() -> None:
        if in_one_message:
            database.run(TWO)
        with database.transaction() as connection:
            connection.exec_driver_sql("SELECT 2")

    with pytest.raises(DatabaseUnavailable):
        break_one()
    with database.transaction(), database.transaction():
        assert server.logins == 4
