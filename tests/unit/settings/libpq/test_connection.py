"""The variables of libpq, which it reads in addition to the URL."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.parameters import VARIABLES
from storyboard_worker.settings.reading import Settings, read_settings

URL = "postgresql://app:database-hunter2@db/x"


def read(url: str = URL, **variables: str) -> Settings:
    return read_settings({"DATABASE_URL": url, **variables})


def refusal(url: str = URL, **variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read(url, **variables)
    message = str(raised.value)
    assert "\n" not in message
    assert "hunter2" not in message
    return message


BAD = [
    ("PGSSLMODE", "no-verify"),
    ("PGSSLMODE", ""),
    ("PGTARGETSESSIONATTRS", "write"),
    ("PGCONNECT_TIMEOUT", "5s"),
    ("PGCONNECT_TIMEOUT", ""),
    ("PGOPTIONS", "geqo"),
    ("PGCLIENTENCODING", "LATIN1"),
    ("PGCHANNELBINDING", "on"),
    ("PGGSSENCMODE", "on"),
    ("PGLOADBALANCEHOSTS", "yes"),
    ("PGSSLROOTCERT", "/nowhere/root.crt"),
    ("PGSSLROOTCERT", "system"),
    ("PGDATESTYLE", "Martian"),
    ("PGGEQO", "perhaps"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_wrong_value_is_told_with_the_variable(name: str, value: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"{name} has a wrong value: ")
    assert message.endswith(f", or unset {name}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PGSSLMODE", "require"), ("PGOPTIONS", ""), ("PGHOST", ""), ("PGPORT", "6543")),
        *(("PGDATESTYLE", "ISO, MDY"), ("PGDATESTYLE", "default"), ("PGGEQO", "off")),
        *(("PGCLIENTENCODING", "UTF8"), ("PGPASSWORD", "\udcff"), ("PGTZ", "Europe/Berlin")),
    ],
)
def test_good_values_are_taken(name: str, value: str) -> None:
    read(**{name: value})


def test_values_of_the_url_count_before_them() -> None:
    read(f"{URL}?sslmode=require&connect_timeout=5", PGSSLMODE="no-verify", PGCONNECT_TIMEOUT="x")
    read("postgresql://h1:1,h2:2/x", PGPORT="none")


def test_a_variable_that_does_not_go_with_the_url_is_named() -> None:
    message = refusal(f"{URL}?sslnegotiation=direct", PGSSLMODE="allow")
    assert message.startswith("DATABASE_URL with PGSSLMODE is refused by libpq: weak sslmode")


def test_a_service_of_theirs() -> None:
    message = refusal(PGSERVICE="nowhere")
    assert message.startswith("DATABASE_URL with PGSERVICE is refused by libpq: ")


def test_the_embedded_database_has_none() -> None:
    assert read("embedded", PGSSLMODE="no-verify").database_dsn == "embedded"


def test_their_passwords_are_secrets_too() -> None:
    query = "?sslpassword=key-hunter2"
    assert set(read(URL + query).secrets) == {"database-hunter2", "key-hunter2"}
    assert "other-hunter2" in read("postgresql://app@db/x", PGPASSWORD="other-hunter2").secrets
    assert VARIABLES["password"] == "PGPASSWORD"
