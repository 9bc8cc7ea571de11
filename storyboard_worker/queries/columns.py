"""Pieces of SQL that several statements share."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Integer,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database.tables import literal_status, storyboards
from storyboard_worker.lengths import MAX_HOST_CHARACTERS, MAX_URL_BYTES
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.storyboard import Group, Status

MAX_MESSAGE_CHARACTERS = 1000

NOW = func.now()
PENDING = literal_status(Status.PENDING)
PROCESSING = literal_status(Status.PROCESSING)
READY = literal_status(Status.READY)
FAILED = literal_status(Status.FAILED)

is_pending = storyboards.c.status == PENDING
is_processing = storyboards.c.status == PROCESSING
is_failed = storyboards.c.status == FAILED
_zero: ColumnElement[int] = literal_column("0")
# The conditions of the partial indexes. A producer may restore a row that has attempts.
IN_GROUP: dict[Group, ColumnElement[bool]] = {
    Group.NEW: and_(storyboards.c.attempts <= _zero, storyboards.c.workers_lost <= _zero),
    Group.TRIED: and_(storyboards.c.attempts > _zero, storyboards.c.workers_lost == _zero),
    Group.LOST: storyboards.c.workers_lost > _zero,
}
is_due = storyboards.c.available_at <= NOW

# The columns of the claim index: smaller is more urgent. A link of unknown expiry counts as alive,
# whatever its rank.
rank_by_priority: ColumnElement[int] = -cast(storyboards.c.priority, Integer)
expires_at: ColumnElement[datetime] = func.coalesce(
    storyboards.c.source_expires_at, literal_column("'infinity'")
)
has_expired = expires_at <= NOW
is_alive = expires_at > NOW
has_lapsed = storyboards.c.lease_expires_at <= NOW

# Host and port, as `storyboard.upstream_of` reads them.
_authority = func.lower(
    func.substring(storyboards.c.source_url, r"^[^:]+://(?:[^/?#]*@)?([^/?#]*)")
)
source_upstream: ColumnElement[str] = func.regexp_replace(
    _authority,
    case(
        (func.lower(func.left(storyboards.c.source_url, 6)) == "https:", ":(443)?$"),
        else_=":(80)?$",
    ),
    "",
)


def host_in(url: ColumnElement[str]) -> ColumnElement[str]:
    """The host of a URL, as `storyboard.host_of` reads it: an IPv6 address without its brackets.

    The expressions are literals, since an index over the hosts holds the same ones. They have no
    backslash, which is an escape where the server has standard_conforming_strings off.
    """
    in_brackets: ColumnElement[str] = literal_column("'^[^:]+://(?:[^/?#]*@)?[[]([^]]+)[]]'")
    plain: ColumnElement[str] = literal_column("'^[^:]+://(?:[^/?#]*@)?([^/:?#]*)'")
    return func.lower(func.coalesce(func.substring(url, in_brackets), func.substring(url, plain)))


source_host: ColumnElement[str] = host_in(storyboards.c.source_url)


def as_indexed(text: ColumnElement[str], characters: int) -> ColumnElement[str]:
    """The beginning of a text, as the indexes over failed rows hold it, see migration 0011."""
    return func.left(text, literal_column(str(characters)))


CODE_CHARACTERS = 100
indexed_code = as_indexed(storyboards.c.error_code, CODE_CHARACTERS)
indexed_host = as_indexed(source_host, MAX_HOST_CHARACTERS)

# Since migration 0005 no other row may wait. It failed the ones that were there before.
may_be_pending: ColumnElement[bool] = (
    func.octet_length(storyboards.c.source_url) <= MAX_URL_BYTES
) & (func.char_length(source_host) <= MAX_HOST_CHARACTERS)

# By default the planner may read and sort all pending rows, or the whole table, instead of walking
# along an index: without statistics, as after a bulk insert, and where few rows have expired.
# Sorts stay on. Without the other two only the rows taken are left to sort (the same plans on
# Postgres 15 to 18). Before 18, a disabled sort that is done all the same costs 1e10, so a server
# with JIT, like Debian's, compiled each claim: 210 ms instead of 2. To see it again:
# python -m tests.debian_postgres -- python -m pytest tests/integration/queries -k "plan or speed"
ALONG_AN_INDEX = {"enable_bitmapscan": "off", "enable_seqscan": "off"}
# For statements without any sort. Where few rows have been pending, the planner would read and sort
# all of them, and a session may keep that plan until there are many.
IN_INDEX_ORDER = {**ALONG_AN_INDEX, "enable_sort": "off"}

# A producer may have set the count since the claim. It never goes below 0.
ONE_ATTEMPT_LESS = func.greatest(storyboards.c.attempts - 1, 0)

# A row that was lost with workers, and whose attempt has now ended while its worker lives, was not
# the cause: another row was. Before its next attempt it gets back what it lost with the workers,
# and it is no longer tried apart. The attempt that has just ended stays counted.
_one: ColumnElement[int] = literal_column("1")
own_errors_kept: ColumnElement[int] = func.greatest(
    storyboards.c.own_errors - storyboards.c.workers_lost, _zero
)
ACQUITTED: dict[str, Any] = {
    "attempts": func.greatest(
        storyboards.c.attempts - storyboards.c.workers_lost,
        func.least(storyboards.c.attempts, _one),
    ),
    "own_errors": own_errors_kept,
    "workers_lost": _zero,
    "lost_with": null(),
}
# For rows that were lost with a worker when another row has turned out to be the cause.
CAUSE_FOUND: dict[str, Any] = {
    "attempts": func.greatest(storyboards.c.attempts - _one, _zero),
    "own_errors": func.greatest(storyboards.c.own_errors - _one, _zero),
    "workers_lost": storyboards.c.workers_lost - _one,
    "lost_with": null(),
}

# Row-level security without a policy hides all rows without an error. With a policy the owner has
# decided what the worker sees.
rows_are_hidden: ColumnElement[bool] = literal_column(
    "(pg_catalog.row_security_active('public.storyboards') AND NOT EXISTS "
    "(SELECT FROM pg_catalog.pg_policy WHERE polrelid = 'public.storyboards'::regclass))",
    Boolean,
).label("hidden")
HIDDEN = (
    "row-level security hides the rows of storyboards from our role: connect as the owner of the "
    "table, or as a role with BYPASSRLS"
)


def is_one_of(column: ColumnElement[UUID], ids: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether ``column`` is among ``ids``, a column of a CTE.

    An array is looked up in an index. For a join with a small table the planner reads the whole
    table, and a session may keep that plan while the table grows.
    """
    return column == any_(_array(ids))


def place_in(ids: ColumnElement[UUID], column: ColumnElement[UUID]) -> ColumnElement[int]:
    """The place of ``column`` among ``ids``, a column of a CTE, from 1 on."""
    return func.array_position(_array(ids), column, type_=Integer)


def _array(ids: ColumnElement[UUID]) -> ColumnElement[Any]:
    return func.array(select(ids).scalar_subquery(), type_=ARRAY(UuidType))


NO_CLAIM: dict[str, Any] = {
    "claim_token": null(),
    "claimed_by": null(),
    "claimed_at": null(),
    "lease_expires_at": null(),
}

NO_ERROR: dict[str, Any] = {
    "error_code": null(),
    "error_message": null(),
    "errored_at": null(),
    "sentry_event_id": null(),
}


def seconds(amount: float) -> ColumnElement[timedelta]:
    """An interval of so many seconds."""
    return literal(timedelta(seconds=amount))


def seconds_between(later: Any, earlier: Any) -> ColumnElement[float]:
    """The seconds from ``earlier`` to ``later``, as a float."""
    return cast(func.extract("epoch", later - earlier), Double)


def storable(message: str) -> str:
    """``message`` as the table may hold it: redacted, short, and without NUL.

    Messages repeat what upstreams say, so they may hold signed URLs. Postgres takes no NUL.
    """
    return Redactor().text(message).replace("\x00", "")[:MAX_MESSAGE_CHARACTERS]


# A link that dies within this time counts as expiring soon.
EXPIRING_SOON_SECONDS = 2 * 3600
expires_soon = (storyboards.c.source_expires_at > NOW) & (
    storyboards.c.source_expires_at <= NOW + seconds(EXPIRING_SOON_SECONDS)
)


def oldest_waiting_seconds() -> ColumnElement[float]:
    """How long the longest-waiting row has been due, 0 when none is."""
    oldest = select(func.min(storyboards.c.available_at)).where(is_pending, is_due, is_alive)
    return func.coalesce(seconds_between(NOW, oldest.scalar_subquery()), 0.0)
