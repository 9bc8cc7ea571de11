"""Parameters that other clients write into the URL and that libpq does not know.

Parameters without a meaning here are dropped. Those that ask for encryption are never dropped:
they are translated, or refused with what to write instead.
"""

import re
from difflib import get_close_matches
from urllib.parse import unquote

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.parameters import DATABASE_URL, ENCODINGS, KNOWN, Given
from storyboard_worker.settings.libpq.rules import SSL_MODES

# How other clients pool, prepare, time out and find tables. The worker has settings of its own.
DROPPED = frozenset(
    {
        # Prisma
        *("connection_limit", "pgbouncer", "pool_timeout", "schema", "single_use_connections"),
        *("max_connection_lifetime", "max_idle_connection_lifetime", "socket_timeout"),
        # Supabase and its integrations
        *("statement_cache_mode", "statement_cache_size", "supa", "workaround"),
        # node-postgres and postgres.js
        *("connectionTimeoutMillis", "encoding", "idleTimeoutMillis", "idle_timeout"),
        *("idle_in_transaction_session_timeout", "keepAlive", "keepAliveInitialDelayMillis"),
        *("lock_timeout", "max", "max_lifetime", "min", "prepare", "query_timeout"),
        "statement_timeout",
        # SQLAlchemy, asyncpg, psycopg and Django
        *("async_fallback", "command_timeout", "conn_health_checks", "conn_max_age"),
        *("prepare_threshold", "prepared_statement_cache_size"),
        # Rails and Ecto
        *("advisory_locks", "checkout_timeout", "max_connections", "min_connections", "pool"),
        *("pool_size", "prepared_statements", "reaping_frequency", "statement_limit", "timeout"),
        # JDBC
        *("ApplicationName", "binaryTransfer", "loginTimeout", "prepareThreshold"),
        *("preparedStatementCacheQueries", "preparedStatementCacheSizeMiB", "socketTimeout"),
        *("reWriteBatchedInserts", "stringtype", "tcpKeepAlive"),
        # pgx and lib/pq
        *("binary_parameters", "default_query_exec_mode", "description_cache_capacity"),
        *("pool_health_check_period", "pool_max_conn_idle_time", "pool_max_conn_lifetime"),
        *("pool_max_conns", "pool_min_conns", "statement_cache_capacity"),
        # sqlx
        "statement-cache-capacity",
    }
)
# With these values they ask for what libpq does anyway. With other values they ask for more.
DROPPED_WHEN = {"sslaccept": "accept_invalid_certs", "uselibpqcompat": "true"}

FIXES = {
    "ssl": "remove it, or write sslmode=disable to go without TLS, or sslmode=require",
    "sslaccept": "write sslmode=verify-full and sslrootcert instead",
}
VERIFYING = SSL_MODES[SSL_MODES.index("verify-ca") :]
PARAMETER_NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,40}"

# Name and value as written in the URL.
Pair = tuple[str, str]


def for_libpq(pairs: list[Pair], *, are_shown: bool) -> list[Pair]:
    """Those of ``pairs`` that have a meaning for libpq, under its names.

    Raises :class:`SettingsError`, which repeats names and values only if ``are_shown``.
    """
    modes = [unquote(value) for name, value in pairs if unquote(name) == "sslmode"]
    kept = []
    for name, value in pairs:
        given = Given(unquote(name), unquote(value), is_shown=are_shown)
        if given.name == "ssl":
            kept += _sslmode(given, modes)
        elif given.name in KNOWN:
            kept.append((name, value))
        elif not _is_dropped(given, modes):
            raise _unknown(given)
    return kept


def _sslmode(given: Given, modes: list[str]) -> list[Pair]:
    """The sslmode that ``ssl=true`` or asyncpg's ``ssl=verify-full`` asks for, if not given."""
    asked = "require" if given.value in {"true", "1"} else given.value
    if asked not in SSL_MODES:
        raise given.refused(FIXES["ssl"])
    if not modes:
        return [("sslmode", asked)]
    if modes[-1] in SSL_MODES and SSL_MODES.index(modes[-1]) < SSL_MODES.index(asked):
        raise given.refused("remove it or sslmode, which contradicts it")
    return []


def _is_dropped(given: Given, modes: list[str]) -> bool:
    if given.name == "sslaccept" and modes and modes[-1] in VERIFYING:
        return True
    return given.name in DROPPED or DROPPED_WHEN.get(given.name) == given.value


def _unknown(given: Given) -> SettingsError:
    if given.name in FIXES:
        return given.refused(FIXES[given.name])
    unknown = f"{DATABASE_URL} has a parameter that libpq does not know"
    if not given.is_shown or not re.fullmatch(PARAMETER_NAME, given.name):
        return SettingsError(
            f"{unknown}: remove it, or if it is a piece of user or password, percent-encode what "
            f"is special in them ({ENCODINGS})"
        )
    similar = get_close_matches(re.sub(r"\W", "_", given.name.lower()), KNOWN, 1, 0.75)
    hint = f", or if you meant {similar[0]}, write that" if similar else ""
    return SettingsError(f"{unknown}, {given.name!r}: remove it{hint}")
