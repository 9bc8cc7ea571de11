"""The database's address: from any ``postgres://`` form to what libpq reads."""

import re
from urllib.parse import unquote

from psycopg import ProgrammingError, conninfo

from storyboard_worker.errors import SettingsError

EMBEDDED = "embedded"

EXAMPLE = "postgresql://user:password@host:5432/postgres"

# What other clients (Prisma, node-postgres, Supabase's docs) write into the URL and libpq
# refuses to know. They mean nothing here: we are pooler-proof anyway.
FOREIGN_PARAMETERS = frozenset(
    {
        "connection_limit",
        "pgbouncer",
        "pool_timeout",
        "prepared_statements",
        "schema",
        "sslaccept",
        "statement_cache_size",
        "supa",
        "workaround",
    }
)


def dsn_from_url(url: str) -> str:
    """What libpq reads, for ``DATABASE_URL``; ``embedded`` stays as it is.

    Drops a driver named in the scheme (``postgresql+psycopg://``) and parameters that only
    other clients know. Raises :class:`SettingsError`, without the password.
    """
    if url == EMBEDDED:
        return url
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"postgres(ql)?(\+\w+)?", scheme):
        raise SettingsError(f"DATABASE_URL must begin with postgresql://, like {EXAMPLE}")
    # As libpq reads it: a «?» in front of the «@» belongs to the password.
    user, rest = _split_user(rest)
    address, _, query = rest.partition("?")
    # Kept as they were written: libpq decodes %20, but leaves a plus sign alone.
    kept = "&".join(pair for pair in query.split("&") if _is_for_libpq(pair))
    dsn = f"postgresql://{user}{address}{kept and '?'}{kept}"
    _check(dsn, kept)
    return dsn


def _split_user(rest: str) -> tuple[str, str]:
    found = re.match(r"[^@/]*@", rest)
    return (found[0], rest[found.end() :]) if found else ("", rest)


def _is_for_libpq(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return value != "" and unquote(name) not in FOREIGN_PARAMETERS


def _check(dsn: str, query: str) -> None:
    try:
        parts = conninfo.conninfo_to_dict(dsn)
    except (ProgrammingError, UnicodeError) as error:
        # Of what libpq says only this may be repeated, and not even this when a password
        # with «/» and «?» reaches into the query.
        said = "" if "@" in query else str(error)
        unknown = re.search(r'invalid URI query parameter: "(\w+)"', said)
        reason = f" (unknown parameter {unknown[1]!r})" if unknown else ""
        raise SettingsError(
            f"DATABASE_URL cannot be read{reason}: it looks like {EXAMPLE}, "
            "with special characters in the password percent-encoded"
        ) from error
    for port in str(parts.get("port", "")).split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004  TCP
            # Not repeated: after a «/» or «?» in the password, its beginning stands here.
            raise SettingsError(
                f"DATABASE_URL has a port that cannot be one: it looks like {EXAMPLE}, "
                "with special characters in the password percent-encoded"
            )


def password_of(dsn: str) -> str | None:
    """The password inside ``dsn``, so that it can be kept out of sight."""
    if dsn == EMBEDDED:
        return None
    password = conninfo.conninfo_to_dict(dsn).get("password")
    return None if password is None else str(password)
