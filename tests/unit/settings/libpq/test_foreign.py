"""Parameters of other clients in the URL are dropped, translated or refused, and weaken nothing."""

import pytest
from psycopg import conninfo

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.dsn import dsn_from_url
from storyboard_worker.settings.libpq.foreign import DROPPED
from storyboard_worker.settings.libpq.parameters import KNOWN

URL = "postgresql://app:hunter2@db/x"


def parameters(query: str) -> dict[str, object]:
    found = conninfo.conninfo_to_dict(dsn_from_url(f"{URL}?{query}"))
    return {name: found[name] for name in found.keys() - {"user", "password", "host", "dbname"}}


def refusal(query: str) -> str:
    with pytest.raises(SettingsError) as raised:
        dsn_from_url(f"{URL}?{query}")
    message = str(raised.value)
    assert message.startswith("DATABASE_URL ")
    assert "\n" not in message
    assert "hunter2" not in message
    return message


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_parameters_without_a_meaning_here_are_dropped(name: str) -> None:
    assert parameters(f"{name}=1&sslmode=require&{name}") == {"sslmode": "require"}


def test_no_parameter_of_libpq_is_dropped() -> None:
    assert frozenset() == DROPPED & KNOWN


@pytest.mark.parametrize(
    "query",
    [
        # Supabase with Prisma, Neon, Prisma, Vercel, node-postgres, asyncpg.
        "pgbouncer=true&connection_limit=1",
        "sslmode=require&channel_binding=require",
        "schema=public&pool_timeout=10&connect_timeout=10&statement_cache_size=0",
        "sslmode=require&supa=base-pooler.x&options=reference%3Dabcdefgh",
        "sslmode=require&uselibpqcompat=true",
        "ssl=require&prepared_statement_cache_size=0",
    ],
)
def test_urls_as_they_are_copied_are_taken(query: str) -> None:
    assert parameters(query).keys() <= KNOWN


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("ssl=true", "require"),
        ("ssl=1", "require"),
        ("ssl=require", "require"),
        ("ssl=disable", "disable"),
        ("ssl=true&sslmode=require", "require"),
        ("sslmode=verify-full&ssl=true", "verify-full"),
        ("ssl=true&sslmode=verify-full", "verify-full"),
        ("sslmode=verify-full&sslaccept=strict", "verify-full"),
        ("sslmode=require&sslaccept=accept_invalid_certs", "require"),
    ],
)
def test_requests_for_encryption_are_translated_and_weaken_nothing(query: str, mode: str) -> None:
    assert parameters(query) == {"sslmode": mode}


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("ssl=false", "sslmode=disable"),
        ("ssl=0", "sslmode=disable"),
        ("ssl=no-verify", "sslmode=require"),
        ("ssl=true&sslmode=disable", "sslmode"),
        ("sslmode=prefer&ssl=true", "sslmode"),
        ("sslaccept=strict", "sslmode=verify-full"),
        ("sslaccept=strict&sslmode=require", "sslmode=verify-full"),
        ("sslmode=no-verify", "no-verify is require"),
        ("sslmode=no-verify&ssl=true", "no-verify is require"),
    ],
)
def test_a_parameter_that_would_be_weakened_or_is_unclear_is_refused(query: str, fix: str) -> None:
    assert fix in refusal(query)


@pytest.mark.parametrize(
    "name", ["sslidentity", "foo", "targetServerType", "x-y", "uselibpqcompat"]
)
def test_an_unknown_parameter_is_named_and_to_be_removed(name: str) -> None:
    message = refusal(f"{name}=hunter2")
    assert f"{name!r}: remove it" in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sslmod", "sslmode"),
        ("sslMode", "sslmode"),
        ("ssl-mode", "sslmode"),
        ("SSLMODE", "sslmode"),
    ],
)
def test_a_parameter_that_looks_like_a_known_one_is_not_just_to_be_removed(
    name: str, meant: str
) -> None:
    assert f"{name!r}: remove it, or if you meant {meant}, write that" in refusal(f"{name}=require")


@pytest.mark.parametrize("name", ["a%20b", "1", "%22x", "ä", "a" * 60])
def test_a_name_that_is_not_valid_is_not_repeated(name: str) -> None:
    message = refusal(f"{name}=1")
    assert "remove it" in message
    assert repr(name) not in message


@pytest.mark.parametrize("query", ["sslmode", "foo", "ssl", "sslmode=require&foo"])
def test_a_parameter_without_a_value_cannot_be_read(query: str) -> None:
    assert "cannot be read" in refusal(query)
