"""Connections that are made too late, and waits that do not count as silence."""

import threading

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.database.bounded_connection import GivenUp
from storyboard_worker.database.dialing import Dialer
from storyboard_worker.errors import DatabaseUnavailable
from tests.integration.database.scripted_postgres import ScriptedPostgres, Serve


def test_a_connection_that_comes_too_late_is_closed(serve: Serve) -> None:
    server = ScriptedPostgres(may_log_in=threading.Event())
    dialer = Dialer(serve(server), timeout_seconds=0.2)
    with pytest.raises(psycopg.OperationalError, match="no connection in time"):
        dialer.dial()
    assert not server.closed.acquire(blocking=False)
    assert server.may_log_in is not None
    server.may_log_in.set()
    assert server.closed.acquire(timeout=10)
    assert server.queries == []


def test_a_connection_that_is_given_up_is_closed(serve: Serve) -> None:
    server = ScriptedPostgres("SELECT 1")
    connection = Dialer(serve(server), timeout_seconds=0.3).dial()
    with pytest.raises(GivenUp, match=r"no answer within 0\.3 s"):
        connection.execute("SELECT 1")
    assert connection.closed
    assert server.closed.acquire(timeout=10)


def test_waiting_for_notifications_is_no_late_answer(dsn: str) -> None:
    database = Database(dsn, timeout_seconds=0.2)
    with database.listening("storyboards") as connection:
        assert list(connection.notifies(timeout=0.5)) == []
        connection.execute("NOTIFY storyboards, 'heard'")
        [heard] = connection.notifies(timeout=5, stop_after=1)
    assert heard.payload == "heard"


def test_a_server_that_shows_that_it_works_is_waited_for(dsn: str) -> None:
    database = Database(dsn, timeout_seconds=0.3)
    with database.patient() as connection, connection.begin():
        database.watch(connection)
        connection.exec_driver_sql("SELECT pg_sleep(1)")
    with (
        pytest.raises(DatabaseUnavailable, match="no answer within"),
        database.connect() as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    database.close()


def test_a_password_that_is_refused_in_another_language(serve: Serve) -> None:
    words = "Passwort-Authentifizierung für Benutzer »x« fehlgeschlagen"
    server = ScriptedPostgres(password_refusal=words)
    dialer = Dialer(f"{serve(server)} password=mistyped", timeout_seconds=10)
    with pytest.raises(psycopg.OperationalError, match="Passwort-Authentifizierung"):
        dialer.dial()
    with pytest.raises(DatabaseUnavailable, match=r"Passwort.*asked again in 1 s"):
        dialer.dial()
    assert server.logins == 1
