"""A storyboard panel and what becomes of it: the values that travel between the parts."""

import hashlib
import time
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from urllib.parse import urlsplit
from uuid import UUID

from storyboard_worker.lengths import has_overlong_host, host_and_port

NOTIFY_CHANNEL = "storyboards"


USUAL_PORTS = {"http": 80, "https": 443}


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
class TraceHeaders:
    """The headers by which Sentry joins an attempt to its producer's trace; ``None``: not known."""

    sentry_trace: str | None = None
    baggage: str | None = None


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
