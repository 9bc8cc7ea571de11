"""``DATABASE_URL`` in every form that people paste."""

import string
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from psycopg import conninfo

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.dsn import dsn_from_url
from storyboard_worker.settings.placeholders import as_a_whole


def parts(url: str) -> dict[str, object]:
    """The parameters with which libpq would connect."""
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


def test_empty_parameters_are_dropped() -> None:
    assert parts("postgresql://app:pw@db.example.com/postgres?sslmode=&") == USUAL


def test_an_encoded_password_is_decoded_once() -> None:
    assert parts("postgresql://app:p%40ss%2Fw%25rd@db/x")["password"] == "p@ss/w%rd"


def test_a_password_among_the_parameters_keeps_its_plus_sign() -> None:
    assert parts("postgresql:///x?host=/tmp&password=a+b%20c")["password"] == "a+b c"


@pytest.mark.parametrize("pair", ["options=-c geqo=off", "options=-c%20geqo%3Doff"])
def test_a_character_that_only_libpq_wants_encoded_may_be_written_as_it_is(pair: str) -> None:
    assert parts(f"postgresql://db/x?{pair}")["options"] == "-c geqo=off"


def test_embedded_stays() -> None:
    assert dsn_from_url("embedded") == "embedded"


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
def test_text_that_is_no_url_is_refused_without_the_password(url: str) -> None:
    assert "hunter2" not in refusal(url)


@pytest.mark.parametrize(
    "rest",
    [
        "app:hunt@er2@db/x",
        "app:hunt@er2@db",
        "app:hunt@er2@db1:5432,db2/x",
        "app:@hunter2@db/x",
        "app:hunt@er2@[::1]/x",
        "app:hunt@er2/z@db/x",
        "app:1/hunter2@db/x",
        "app:/hunter2@db/x",
        "app@hunter2:pw@db/x",
        "app:pw@db/hunter2@x",
    ],
)
def test_an_at_sign_that_was_not_encoded_is_told_with_how_to_encode_it(rest: str) -> None:
    message = refusal(f"postgresql://{rest}")
    assert "@ as %40" in message
    for piece in ("hunt", "er2", "db"):
        assert piece not in message.replace("DATABASE_URL", "").replace("database", "")


@pytest.mark.parametrize(
    "odd", ["hunter2?x", "hunter2?a=b&c", "hun#ter2", "[hunter2", "a:b", "a,b"]
)
def test_a_password_is_what_libpq_takes_for_one(odd: str) -> None:
    assert parts(f"postgresql://app:{odd}@db/x?pgbouncer=1")["password"] == odd


@pytest.mark.parametrize(
    "broken",
    [
        *("hunter2/x", "x/hunter2?a=b", "x/y?hunter2=z", "1/hunter2%zz", "x@y?hunter2"),
        *("x@y?hunter2=1", "x@y?sslmode=hunter2", "x@y?sslmode=a&hunter2=1", "x/y?[hunter2]"),
        *("[hunter2]/x", "<hunter2>/y?z"),
    ],
)
def test_a_password_that_was_not_encoded_is_not_shown_in_part(broken: str) -> None:
    assert "hunter2" not in refusal(f"postgresql://app:{broken}@db.example.com/postgres")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2/x",
        "postgresql://app:[hunter2]/x",
        "postgresql://app:<swordfish>/x",
        "postgresql://app:hunt@<swordfish>@db/x",
        "postgresql://db/x?password=a&hunter2=b",
        "postgresql://db/x?password=a&sslmode=hunter2",
        "postgresql://app:pw@db:hunter2/x",
        "postgresql://app:pw@db%40hunter2/x",
    ],
)
def test_no_text_that_may_belong_to_a_password_is_shown(url: str) -> None:
    message = refusal(url)
    assert "hunter2" not in message
    assert "swordfish" not in message


@pytest.mark.parametrize(
    "host",
    ["db:1:2", "<db", "a b", "[::1]", "localhost:5432", "fe80::zz", "db#x"],
)
def test_text_that_cannot_be_a_host_is_refused(host: str) -> None:
    assert "host" in refusal(f"postgresql:///x?host={host}".replace("#", "%23"))


def taken_or_told(url: str) -> dict[str, object] | str:
    try:
        return parts(url)
    except SettingsError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(st.text(string.punctuation + " äß", min_size=1, max_size=6))
def test_no_piece_of_a_password_however_odd_is_shown_or_taken_for_something_else(odd: str) -> None:
    password = f"QXZ{odd}WVK"
    found = taken_or_told(f"postgresql://app:{password}@db.example.com/postgres")
    if isinstance(found, str):
        assert "QXZ" not in found
        assert "WVK" not in found
    else:
        assert found == {**USUAL, "password": password}


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    st.sampled_from(["app", "postgres.abcdefgh"]),
    st.sampled_from(
        [
            *("db.example.com", "db:6543", "[::1]", "[::1]:5432", "h1:5432,h2:5433", ""),
            *("%2Fvar%2Frun%2Fpg", "127.0.0.1:5432"),
        ]
    ),
    st.sampled_from(["", "/", "/postgres", "/postgres?sslmode=require", "?application_name=a@b"]),
)
def test_an_encoded_password_is_never_refused(
    password: str, user: str, address: str, rest: str
) -> None:
    assume(as_a_whole(password) is None)
    url = f"postgresql://{user}:{quote(password, safe='')}@{address}{rest}"
    assert parts(url).items() >= {"user": user, "password": password}.items()
