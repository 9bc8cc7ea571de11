"""No moment makes a row unreadable."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from storyboard_worker.cli.output import ago, print_json
from storyboard_worker.database.moments import EARLIEST, LATEST, register

READABLE = datetime(2026, 7, 2, 3, 4, 5, 120000, tzinfo=UTC)
TOO_EARLY = ["-infinity", "4714-11-24 00:00+00 BC", "0044-03-15 12:00:00.123456+00 BC"]
TOO_LATE = ["infinity", "10001-01-01 00:00+00", "294276-12-31 23:59:59.999999+00"]

STYLES = [
    *("ISO, MDY", "ISO, DMY", "German"),
    *("SQL, MDY", "SQL, DMY", "Postgres, MDY", "Postgres, DMY"),
]
# One zone that psycopg does not know, one east and one west of Greenwich; all had odd seconds once.
ZONES = ["UTC", "Asia/Tokyo", "America/New_York", "<+0530>-05:30"]


@pytest.fixture(scope="module")
def connection(server_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        register(connection)
        yield connection


def read(connection: psycopg.Connection[Any], moment: str) -> datetime:
    row = connection.execute(sql.SQL("SELECT {}::timestamptz").format(moment)).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def use(connection: psycopg.Connection[Any], *, style: str, zone: str) -> None:
    connection.execute(
        "SELECT set_config('DateStyle', %s, false), set_config('TimeZone', %s, false)",
        [style, zone],
    )


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("style", STYLES)
def test_what_python_cannot_hold_becomes_the_nearest_end(
    connection: psycopg.Connection[Any], style: str, zone: str
) -> None:
    use(connection, style=style, zone=zone)
    assert {read(connection, moment) for moment in TOO_EARLY} == {EARLIEST}
    assert {read(connection, moment) for moment in TOO_LATE} == {LATEST}


@pytest.mark.parametrize("zone", ZONES)
def test_everything_else_is_read_as_it_is(connection: psycopg.Connection[Any], zone: str) -> None:
    use(connection, style="ISO, DMY", zone=zone)
    assert read(connection, READABLE.isoformat()) == READABLE
    for edge in (EARLIEST, LATEST):
        # In zones where it falls into a year that Python lacks, it becomes the nearest end as well.
        assert abs(read(connection, edge.isoformat()) - edge) < timedelta(days=1)


def test_iso_is_read_whatever_the_style_is_afterwards(
    connection: psycopg.Connection[Any],
) -> None:
    """The style of the session is back before the answer to a message is read."""
    use(connection, style="SQL, DMY", zone="Asia/Tokyo")
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(
            sql.SQL("SET LOCAL datestyle = ISO; SELECT {}::timestamptz").format(
                READABLE.isoformat()
            )
        )
        assert cursor.nextset()
        assert cursor.fetchone() == (READABLE,)
    assert connection.info.parameter_status("DateStyle") == "SQL, DMY"


def test_a_guess_is_not_made(connection: psycopg.Connection[Any]) -> None:
    use(connection, style="SQL, DMY", zone="America/New_York")
    with pytest.raises(NotImplementedError, match="DateStyle"):
        read(connection, READABLE.isoformat())


@pytest.mark.parametrize("moment", [*TOO_EARLY, *TOO_LATE])
def test_it_can_be_shown(
    connection: psycopg.Connection[Any], moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    use(connection, style="ISO, DMY", zone="UTC")
    found = read(connection, moment)
    assert ago(found).endswith(" d")
    print_json([found])
    [printed] = json.loads(capsys.readouterr().out)
    assert datetime.fromisoformat(printed) == found


@pytest.mark.usefixtures("connection")
def test_other_connections_are_as_before(server_dsn: str) -> None:
    with psycopg.connect(server_dsn) as other, pytest.raises(psycopg.DataError):
        read(other, "infinity")
