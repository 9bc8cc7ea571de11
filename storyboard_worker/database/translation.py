"""The border: inside, errors of psycopg and SQLAlchemy; outside, ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from storyboard_worker.errors import DatabaseUnavailable, DataRefused, NotReached, SchemaOutdated

# SQLSTATEs of «the tables are not (all) there»: undefined table, column, function.
SCHEMA_SQLSTATES = frozenset({"42P01", "42703", "42883"})
# Rights that were not granted (yet): waiting for a person, like a database that is away.
INSUFFICIENT_PRIVILEGE = "42501"
# A standby after a failover answers so until the name leads to the new primary.
READ_ONLY = "25006"
# What a trigger of the owner's own says when it refuses a row, by RAISE, ASSERT or INTO STRICT.
RAISED_BY_TRIGGER = "P0"
# Functions of ours that a statement may call; what another one says is its own matter.
OUR_FUNCTIONS = re.compile(r"PL/pgSQL function (?:public\.)?storyboards?_\w+\(")
OUR_CONSTRAINTS = "storyboard"


@contextmanager
def translated() -> Iterator[None]:
    """Raises :class:`DatabaseUnavailable` when waiting may help, :class:`SchemaOutdated` when
    tables or columns are missing, :class:`DataRefused` when a value is to blame."""
    try:
        yield
    except exc.TimeoutError as error:
        raise NotReached("no free database connection") from error
    except exc.PendingRollbackError as error:
        # Alembic closes its transaction of a connection that was lost, which hides how it was.
        lost = error.__context__
        reason = lost.orig if isinstance(lost, exc.DBAPIError) else error
        raise DatabaseUnavailable(one_line(reason)) from error
    except exc.DBAPIError as error:
        raise _ours(error.orig, lost=error.connection_invalidated) or error from error
    except (psycopg.Error, UnicodeError) as error:
        raise _ours(error) or error from error


def _ours(error: BaseException | None, *, lost: bool = False) -> Exception | None:
    """What a driver's error is to us; ``None`` for one that is not expected."""
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
    """Without the detail, in which all columns of the row may stand."""
    said = error.diag.message_primary or one_line(error)
    return f"{' '.join(said.split())} ({error.sqlstate})"


def _blames_row(error: psycopg.Error) -> bool:
    if isinstance(error, psycopg.IntegrityError):
        named = error.diag.constraint_name or ""
        if not named.startswith(OUR_CONSTRAINTS):
            return False
    calls = re.findall(r"PL/pgSQL function [^\n]*", error.diag.context or "")
    return all(OUR_FUNCTIONS.match(call) for call in calls)


def is_read_only(error: BaseException | None) -> bool:
    """Whether the connection leads to a server that does not let us write (now)."""
    return getattr(error, "sqlstate", None) == READ_ONLY


def one_line(error: BaseException | None) -> str:
    """What the driver said, without its line breaks."""
    return " ".join(str(error).split())
