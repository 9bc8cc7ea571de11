"""The database's address: from any ``postgres://`` form to what libpq reads."""

import re
from urllib.parse import parse_qsl, quote, urlencode

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
    address, _, query = rest.partition("?")
    kept = [pair for pair in parse_qsl(query) if pair[0] not in FOREIGN_PARAMETERS]
    dsn = f"postgresql://{address}"
    if kept:
        dsn += "?" + urlencode(kept, quote_via=quote)
    _check(dsn)
    return dsn


def _check(dsn: str) -> None:
    try:
        parts = conninfo.conninfo_to_dict(dsn)
    except ProgrammingError as error:
        # Of what libpq says only this is sure not to quote the password.
        unknown = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        reason = f" (unknown parameter {unknown[1]!r})" if unknown else ""
        raise SettingsError(
            f"DATABASE_URL cannot be read{reason}: it looks like {EXAMPLE}, "
            "with special characters in the password percent-encoded"
        ) from error
    for port in str(parts.get("port", "")).split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004  TCP
            raise SettingsError(
                f"DATABASE_URL has the port {port!r}, which cannot be one; it looks like {EXAMPLE}"
            )


def password_of(dsn: str) -> str | None:
    """The password inside ``dsn``, so that it can be kept out of sight."""
    if dsn == EMBEDDED:
        return None
    password = conninfo.conninfo_to_dict(dsn).get("password")
    return None if password is None else str(password)
