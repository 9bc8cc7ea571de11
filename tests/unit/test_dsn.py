"""``DATABASE_URL`` in every form that people paste."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import conninfo

from storyboard_worker.dsn import FOREIGN_PARAMETERS, dsn_from_url, password_of
from storyboard_worker.errors import SettingsError


def parts(url: str) -> dict[str, object]:
    """What libpq would connect to."""
    return dict(conninfo.conninfo_to_dict(dsn_from_url(url)))


USUAL = {"user": "app", "password": "pw", "host": "db.example.com", "dbname": "postgres"}


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg", "postgres+psycopg2"],
)
def test_every_scheme_leads_to_the_same_database(scheme: str) -> None:
    assert parts(f"{scheme}://app:pw@db.example.com/postgres") == USUAL


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db.example.com", {"host": "db.example.com"}),
        ("postgresql://", {}),
        ("postgresql:///storyboards", {"dbname": "storyboards"}),
        (
            "postgresql://app@db:6543/x",
            {"user": "app", "host": "db", "port": "6543", "dbname": "x"},
        ),
        (
            "postgresql://[2001:db8::1]:5432/x",
            {"host": "2001:db8::1", "port": "5432", "dbname": "x"},
        ),
        ("postgresql://h1:5432,h2:5433/x", {"host": "h1,h2", "port": "5432,5433", "dbname": "x"}),
        ("postgresql://%2Fvar%2Frun%2Fpg/x", {"host": "/var/run/pg", "dbname": "x"}),
        ("postgresql:///x?host=/var/run/pg", {"host": "/var/run/pg", "dbname": "x"}),
        ("postgresql:///x?host=%2Fvar%2Frun%2Fpg", {"host": "/var/run/pg", "dbname": "x"}),
        (
            "postgresql://app:@/x?host=/tmp/a%20b",
            {"user": "app", "host": "/tmp/a b", "dbname": "x"},
        ),
    ],
)
def test_tcp_and_unix_sockets(url: str, expected: dict[str, object]) -> None:
    found = parts(url)
    assert {name: value for name, value in found.items() if value != ""} == expected


def test_parameters_of_libpq_stay() -> None:
    found = parts("postgresql://app:pw@db.example.com/postgres?sslmode=require&connect_timeout=5")
    assert found == {**USUAL, "sslmode": "require", "connect_timeout": "5"}


@pytest.mark.parametrize("name", sorted(FOREIGN_PARAMETERS))
def test_parameters_of_other_clients_are_dropped(name: str) -> None:
    url = f"postgresql://app:pw@db.example.com/postgres?{name}=1&sslmode=require"
    assert parts(url) == {**USUAL, "sslmode": "require"}


def test_empty_parameters_are_dropped() -> None:
    assert parts("postgresql://app:pw@db.example.com/postgres?sslmode=&") == USUAL


def test_an_encoded_password_is_decoded_once() -> None:
    url = "postgresql://app:p%40ss%2Fw%25rd@db/x"
    assert parts(url)["password"] == "p@ss/w%rd"
    assert password_of(dsn_from_url(url)) == "p@ss/w%rd"


def test_a_password_among_the_parameters_keeps_its_plus_sign() -> None:
    assert password_of(dsn_from_url("postgresql:///x?host=/tmp&password=a+b%20c")) == "a+b c"


def test_embedded_stays_and_has_no_password() -> None:
    assert dsn_from_url("embedded") == "embedded"
    assert password_of("embedded") is None


def test_without_a_password_there_is_none_to_hide() -> None:
    assert password_of("postgresql://app@db/x") is None


def refusal(url: str) -> str:
    with pytest.raises(SettingsError) as raised:
        dsn_from_url(url)
    message = str(raised.value)
    assert message.startswith("DATABASE_URL ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "url",
    [
        "mysql://app:hunter2@db/x",
        "postgresql:/app:hunter2@db/x",
        "host=db password=hunter2",
        "'postgresql://app:hunter2@db/x'",
        "sqlite:///hunter2.db",
        "EMBEDDED",
        "postgresql://app:hunter2%zz@db/x",
        "postgresql://app:hunter2@[db/x",
        "postgresql://app:hunter2@db:port/x",
        "postgresql://app:hunter2@db:0/x",
        "postgresql://app:hunter2@db:65536/x",
        "postgresql://app:hunter2@db/x?sslmod=require",
    ],
)
def test_what_cannot_be_a_url_is_refused_without_the_password(url: str) -> None:
    assert "hunter2" not in refusal(url)


def test_an_unknown_parameter_is_named() -> None:
    assert "'sslmod'" in refusal("postgresql://app:hunter2@db/x?sslmod=require")


@pytest.mark.parametrize("odd", ["hunter2?x", "hunter2?a=b&c", "hun#ter2", "[hunter2"])
def test_what_libpq_takes_as_a_password_is_one(odd: str) -> None:
    assert password_of(dsn_from_url(f"postgresql://app:{odd}@db/x?pgbouncer=1")) == odd


@pytest.mark.parametrize("broken", ["hunter2/x", "x/hunter2?a=b", "x/y?hunter2=z", "1/hunter2%zz"])
def test_a_password_that_was_not_encoded_is_not_shown_in_part(broken: str) -> None:
    assert "hunter2" not in refusal(f"postgresql://app:{broken}@db.example.com/postgres")


def message_about(url: str) -> str:
    try:
        dsn_from_url(url)
    except SettingsError as error:
        return str(error)
    return ""


@settings(max_examples=100, deadline=None)
@given(st.text(string.punctuation + " äß", min_size=1, max_size=6))
def test_no_password_however_odd_is_shown(odd: str) -> None:
    assert "QXZ" not in message_about(f"postgresql://app:QXZ{odd}QXZ@db.example.com/postgres")
