"""The tables, and the values that travel between the parts.

The tables here are the mirror that queries are written against; the schema itself comes
from Alembic only (``alembic check`` keeps both alike).
"""

import hashlib
import time
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
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

from storyboard_worker.lengths import has_overlong_host, host_and_port

NOTIFY_CHANNEL = "storyboards"
USUAL_PORTS = {"http": 80, "https": 443}
VERSION_TABLE = "storyboard_worker_version"


class Status(StrEnum):
    """``storyboards.status``."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Group(StrEnum):
    """Which rows of the backlog: those ``NEW`` to it, those ``TRIED`` before in vain, and those
    over which a worker was ``LOST``."""

    NEW = "new"
    TRIED = "tried"
    LOST = "lost"


class WorkerState(StrEnum):
    """``storyboard_workers.state``."""

    RUNNING = "running"
    DRAINING = "draining"


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
    # When the link dies or, where that is unknown, is taken to die: kept by a trigger.
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


# The most urgent row first: see migration 0002. By the last column dead links are passed over
# without a visit to the table: see 0008.
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
Index(
    "storyboards_project_idx",
    storyboards.c.project_id,
    storyboards.c.position,
    postgresql_where=storyboards.c.project_id.is_not(None),
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


@dataclass(frozen=True)
class Claim:
    """A row that is ours for a while: what an attempt needs to know, and the proof.

    ``attempt`` counts from 1 and includes this one; ``own_errors`` of those before ended with an
    error of the row's own. ``max_attempts`` is the row's own limit, if it has one.
    ``seconds_until_expiry`` was measured by the database's clock when the row was claimed;
    ``None`` when no expiry is known. ``seconds_until_given_up`` is the same or, then, until a day
    after the link was set. ``received_at``, on the monotonic clock, is when that was.
    """

    id: UUID
    token: UUID
    source_url: str
    attempt: int
    max_attempts: int | None
    seconds_until_expiry: float | None
    seconds_since_due: float
    project_id: str | None = None
    sentry_trace: str | None = None
    baggage: str | None = None
    own_errors: int = 0
    workers_lost: int = 0
    seconds_until_given_up: float | None = None
    received_at: float = field(default_factory=time.monotonic, compare=False)

    @cached_property
    def host(self) -> str:
        """The source's host."""
        return host_of(self.source_url)

    @cached_property
    def upstream(self) -> str:
        """The source as one that may be up or down: a host and, unless it is the usual one, a
        port."""
        return upstream_of(self.source_url)

    @property
    def is_suspect(self) -> bool:
        """It has been tried before, in vain."""
        return self.attempt > 1

    @property
    def attempts_lost(self) -> int:
        """Attempts before this one that ended with their workers: they are none of the row's
        own, if this one comes to an end of its own."""
        return min(self.workers_lost, self.attempt - 1)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """What Cloudinary said it stored."""

    cdn_url: str
    public_id: str
    asset_id: str
    format: str
    width: int
    height: int
    bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A row whose lease ran out; ``failed`` when that was its last attempt."""

    id: UUID
    source_url: str
    project_id: str | None
    attempts: int
    claimed_by: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Expired:
    """A row whose signed URL died while it waited."""

    id: UUID
    source_url: str
    project_id: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row with which statements fail; it has failed so that the others can go on."""

    id: UUID
    source_url: str
    project_id: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """What a worker says of itself in ``storyboard_workers``."""

    worker_id: str
    hostname: str
    pid: int
    version: str
    state: WorkerState
    concurrency: int
    in_flight: int
    paused_seconds: dict[str, float]


def host_of(url: str) -> str:
    """The host of a URL in lower case, without port; ``""`` where it has none that can be one."""
    if has_overlong_host(url):
        return ""
    try:
        # The host alone: to read a whole URL, urlsplit() brings user and password into Unicode's
        # normal form, in a time that grows with the square of their length.
        return urlsplit(f"//{host_and_port(url)}").hostname or ""
    except ValueError:
        return ""


def upstream_of(url: str) -> str:
    """Host and port of a URL in lower case, without the port that its scheme has anyway."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None or port == USUAL_PORTS.get(parts.scheme) else f"{shown}:{port}"


def public_id(folder: str, storyboard_id: UUID, source_url: str) -> str:
    """The id under which an image is stored: the same image always lands on the same id.

    The digest covers ``source_url`` up to its ``?``: signing the same object anew does not
    change it, another object does, so a late worker cannot overwrite a newer image.
    """
    digest = hashlib.sha256(source_url.partition("?")[0].encode()).hexdigest()[:10]
    return f"{folder}/{storyboard_id}-{digest}"


def literal_status(status: Status) -> object:
    """A status as a literal in SQL: a bound one would keep a generic plan from using the
    partial indexes above."""
    return literal_column(f"'{status}'")
