"""The tables, as queries see them.

The schema itself comes from Alembic only. ``alembic check`` shows where the two differ.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storyboard_worker.storyboard import Status

VERSION_TABLE = "storyboard_worker_version"


metadata = MetaData(schema="public")

_now = text("now()")

storyboards = Table(
    "storyboards",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("project_id", Text),
    Column("position", Integer),
    Column("source_url", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("available_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("source_expires_at", DateTime(timezone=True)),
    Column("source_set_at", DateTime(timezone=True)),
    # When the link dies, or is assumed to die where that is unknown. A trigger keeps it.
    Column(
        "effective_expires_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("(now() + interval '24 hours')"),
    ),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("max_attempts", Integer),
    Column("own_errors", Integer, nullable=False, server_default=text("0")),
    Column("workers_lost", Integer, nullable=False, server_default=text("0")),
    Column("lost_with", Text),
    Column("claim_token", Uuid),
    Column("claimed_by", Text),
    Column("claimed_at", DateTime(timezone=True)),
    Column("lease_expires_at", DateTime(timezone=True)),
    Column("cdn_url", Text),
    Column("public_id", Text),
    Column("asset_id", Text),
    Column("format", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", BigInteger),
    Column("etag", Text),
    # From the claim to the end of the attempt that made the picture. A trigger fills it.
    Column("copy_seconds", Double),
    # The newest picture that the row ever had. A trigger keeps both.
    Column("picture_url", Text),
    Column("picture_public_id", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("errored_at", DateTime(timezone=True)),
    Column("sentry_event_id", Text),
    Column("sentry_trace", Text),
    Column("baggage", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("finished_at", DateTime(timezone=True)),
)


def _where_status(status: Status) -> str:
    return f"status = '{status}'"


# The most urgent row first, see migration 0002. The last column lets a claim pass over dead links
# without a visit to the table, see 0008.
_BY_URGENCY = (
    text("(-priority::integer)"),
    storyboards.c.effective_expires_at,
    storyboards.c.available_at,
    storyboards.c.id,
    text("(COALESCE(source_expires_at, 'infinity'))"),
)
Index(
    "storyboards_claim_idx",
    *_BY_URGENCY,
    postgresql_where=text(_where_status(Status.PENDING)),
)
Index(
    "storyboards_tried_idx",
    *_BY_URGENCY,
    postgresql_where=text(f"{_where_status(Status.PENDING)} AND attempts > 0 AND workers_lost = 0"),
)
Index(
    "storyboards_lost_idx",
    *_BY_URGENCY,
    postgresql_where=text(f"{_where_status(Status.PENDING)} AND workers_lost > 0"),
)
Index(
    "storyboards_lost_with_idx",
    storyboards.c.lost_with,
    postgresql_where=storyboards.c.lost_with.is_not(None),
)
Index(
    "storyboards_processing_idx",
    storyboards.c.claimed_at,
    postgresql_where=text(_where_status(Status.PROCESSING)),
)
Index(
    "storyboards_ready_idx",
    storyboards.c.finished_at,
    postgresql_where=text(_where_status(Status.READY)),
)
Index(
    "storyboards_failed_idx",
    storyboards.c.errored_at,
    postgresql_where=text(_where_status(Status.FAILED)),
)

# The order of the board, see migration 0011.
_BOARD_ORDER = (storyboards.c.created_at, storyboards.c.id)
_CODE = text("left(error_code, 100)")
_HOST = text(
    """left(lower(coalesce("substring"(source_url, '^[^:]+://(?:[^/?#]*@)?[[]([^]]+)[]]'), """
    """"substring"(source_url, '^[^:]+://(?:[^/?#]*@)?([^/:?#]*)'))), 253)"""
)
Index("storyboards_board_idx", storyboards.c.status, *_BOARD_ORDER)
Index(
    "storyboards_board_project_idx",
    storyboards.c.project_id,
    storyboards.c.status,
    *_BOARD_ORDER,
    postgresql_where=storyboards.c.project_id.is_not(None),
)
Index(
    "storyboards_code_idx",
    _CODE,
    *_BOARD_ORDER,
    postgresql_where=text(_where_status(Status.FAILED)),
)
Index(
    "storyboards_cause_idx",
    _CODE,
    _HOST,
    *_BOARD_ORDER,
    postgresql_where=text(_where_status(Status.FAILED)),
)

storyboard_workers = Table(
    "storyboard_workers",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("hostname", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("state", Text, nullable=False, server_default=text("'running'")),
    Column("concurrency", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False, server_default=text("0")),
    Column("paused", JSONB, nullable=False, server_default=text("'{}'")),
)

storyboard_alarms = Table(
    "storyboard_alarms",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("raised_at", DateTime(timezone=True)),
)

storyboard_orphans = Table(
    "storyboard_orphans",
    metadata,
    Column("public_id", Text, primary_key=True),
    Column("orphaned_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("reason", Text, nullable=False),
)
Index(
    "storyboard_orphans_age_idx", storyboard_orphans.c.orphaned_at, storyboard_orphans.c.public_id
)

# Attempts whose row went before they ended. Triggers write them.
storyboard_departures = Table(
    "storyboard_departures",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("storyboard_id", Uuid, nullable=False),
    Column("source_digest", Text, nullable=False),
    Column(
        "departed_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
    ),
    Column("reason", Text, nullable=False),
)

# Failed attempts, one row for each. A trigger writes them.
storyboard_attempts = Table(
    "storyboard_attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("storyboard_id", Uuid, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("began_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("worker_id", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("sentry_event_id", Text),
)
Index(
    "storyboard_attempts_storyboard_idx",
    storyboard_attempts.c.storyboard_id,
    storyboard_attempts.c.id,
)


def literal_status(status: Status) -> object:
    """A status as a literal in SQL.

    With a bound status a generic plan could not use the partial indexes above.
    """
    return literal_column(f"'{status}'")
