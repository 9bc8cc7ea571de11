"""Turns errors of psycopg and SQLAlchemy into the worker's own errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from storyboard_worker.errors import DatabaseUnavailable, DataRefused, NotReached, SchemaOutdated

# SQLSTATEs of «the tables are not (all) there»: undefined table, column, function.
SCHEMA_SQLSTATES = frozenset({"42P01", "42703", "42883"})
# Missing rights: a person has to grant them, so the worker waits as for a database that is away.
INSUFFICIENT_PRIVILEGE = "42501"
# A standby answers so after a failover, until the name leads to the new primary.
READ_ONLY = "25006"
# The class of errors by which an owner's trigger refuses a row: RAISE, ASSERT or INTO STRICT.
RAISED_BY_TRIGGER = "P0"
# The worker's own functions. An error from any other function does not blame the row.
OUR_FUNCTIONS = re.compile(r"PL/pgSQL function (?:public\.)?storyboards?_\w+\(")
OUR_CONSTRAINTS = "storyboard"


@contextmanager
def translated() -> Iterator[None]:
    """Wraps work with the database.

    Raises :class:`DatabaseUnavailable` when waiting may help, :class:`SchemaOutdated` when
    tables or columns are missing, :class:`DataRefused` when a value is to blame.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise NotReached("no free database connection") from error
    except exc.PendingRollbackError as error:
        # Alembic closes its transaction on a lost connection, which hides the original error.
        lost = error.__context__
        reason = lost.orig if isinstance(lost, exc.DBAPIError) else error
        raise DatabaseUnavailable(one_line(reason)) from error
    except exc.DBAPIError as error:
        raise _ours(error.orig, lost=error.connection_invalidated) or error from error
    except (psycopg.Error, UnicodeError) as error:
        raise _ours(error) or error from error


def _ours(error: BaseException | None, *, lost: bool = False) -> Exception | None:
    """The worker's own error for one of the driver; ``None`` for an unexpected one."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate in SCHEMA_SQLSTATES:
        return SchemaOutdated(
            f"the schema is missing or outdated ({one_line(error)}); fix: storyboard-worker migrate"
        )
    waiting_helps = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or (
        sqlstate in {INSUFFICIENT_PRIVILEGE, READ_ONLY}
    )
    if waiting_helps or lost:
        return DatabaseUnavailable(one_line(error))
    if isinstance(error, UnicodeError):
        return DataRefused(one_line(error))
    by_trigger = (sqlstate or "").startswith(RAISED_BY_TRIGGER)
    if isinstance(error, psycopg.Error) and (
        by_trigger or isinstance(error, psycopg.DataError | psycopg.IntegrityError)
    ):
        return DataRefused(_refusal(error), by_row=not by_trigger and _blames_row(error))
    return None


def _refusal(error: psycopg.Error) -> str:
    """The message without its detail, which may show all columns of the row."""
    said = error.diag.message_primary or one_line(error)
    return f"{' '.join(said.split())} ({error.sqlstate})"


def _blames_row(error: psycopg.Error) -> bool:
    """Whether a value of the row is to blame, not a constraint or a trigger of the owner's."""
    if isinstance(error, psycopg.IntegrityError):
        named = error.diag.constraint_name or ""
        if not named.startswith(OUR_CONSTRAINTS):
            return False
    calls = re.findall(r"PL/pgSQL function [^\n]*", error.diag.context or "")
    return all(OUR_FUNCTIONS.match(call) for call in calls)


def is_read_only(error: BaseException | None) -> bool:
    """Whether the connection leads to a server that refuses writes."""
    return getattr(error, "sqlstate", None) == READ_ONLY


def one_line(error: BaseException | None) -> str:
    """The driver's message without line breaks."""
    return " ".join(str(error).split())
