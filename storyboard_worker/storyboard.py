"""The values that travel between the parts: a panel of a storyboard, its claim, its end."""

import hashlib
import re
import time
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID

from storyboard_worker.lengths import host_and_port, is_overlong

NOTIFY_CHANNEL = "storyboards"

HOSTS_KEPT = 256
SERVER = re.compile(r"(?:.*?://)?[^/?#]*", re.DOTALL)
USUAL_PORTS = {"http": 80, "https": 443}
OWN_PUBLIC_ID = re.compile(r".*/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9a-f]{10}")


class Status(StrEnum):
    """``storyboards.status``."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Group(StrEnum):
    """A part of the backlog: ``NEW`` rows, rows ``TRIED`` before without success, and rows that
    were ``LOST`` with a worker."""

    NEW = "new"
    TRIED = "tried"
    LOST = "lost"


class WorkerState(StrEnum):
    """``storyboard_workers.state``."""

    RUNNING = "running"
    DRAINING = "draining"


# Values that are made for each image are not frozen, here and elsewhere: to make a frozen one
# takes five times as long. They are not changed all the same.
@dataclass(unsafe_hash=True)
class Claim:
    """A row that belongs to this worker for a while: the facts for an attempt, and the token.

    ``attempt`` counts from 1 and includes this one. ``own_errors`` of the attempts before ended
    with an error of the row's own. ``max_attempts`` is the row's own limit, if it has one.

    ``seconds_until_expiry`` was measured by the database's clock when the row was claimed; ``None``
    if no expiry is known. ``seconds_until_given_up`` is the same, or without a known expiry the
    time until a day after the link was set. ``received_at`` is the moment of the claim on the
    monotonic clock.
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

    @property
    def host(self) -> str:
        """The source's host."""
        return host_of(self.source_url)

    @property
    def upstream(self) -> str:
        """The source's host, with its port unless that is the usual one."""
        return upstream_of(self.source_url)

    @property
    def is_suspect(self) -> bool:
        """Whether it has been tried before without success."""
        return self.attempt > 1

    @property
    def attempts_lost(self) -> int:
        """How many earlier attempts ended with the loss of their worker.

        They do not count against the row if this attempt ends while its worker lives.
        """
        return min(self.workers_lost, self.attempt - 1)


@dataclass(frozen=True, slots=True)
class TraceHeaders:
    """The headers by which Sentry joins an attempt to its producer's trace; ``None``: not known."""

    sentry_trace: str | None = None
    baggage: str | None = None


@dataclass(slots=True)
class StoredImage:
    """The image as Cloudinary says it stored it."""

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
    """A row whose lease ran out; ``failed`` if that was its last attempt."""

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
    """A row that makes statements fail, and was failed so that the others go on."""

    id: UUID
    source_url: str
    project_id: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """What a worker writes about itself in ``storyboard_workers``."""

    worker_id: str
    hostname: str
    pid: int
    version: str
    state: WorkerState
    concurrency: int
    in_flight: int
    paused_seconds: dict[str, float]


def host_of(url: str) -> str:
    """The host of a URL in lower case, without port; ``""`` if it has no valid one."""
    return _host_in(_server_of(url))


def _server_of(url: str) -> str:
    """``url`` up to its path. Most rows lie behind one host, which is looked at once."""
    found = SERVER.match(url)
    assert found is not None, "it matches the empty text"
    return found[0]


@lru_cache(HOSTS_KEPT)
def _host_in(server: str) -> str:
    authority = host_and_port(server)
    if is_overlong(authority):
        return ""
    try:
        # Only the host: urlsplit() normalises the user and password of a whole URL, in a time that
        # grows with the square of their length.
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def upstream_of(url: str) -> str:
    """Host and port of a URL in lower case, without the usual port of its scheme."""
    return _upstream_in(_server_of(url))


@lru_cache(HOSTS_KEPT)
def _upstream_in(server: str) -> str:
    authority = host_and_port(server)
    if is_overlong(authority):
        return ""
    try:
        parts = urlsplit(f"{server.partition('://')[0]}://{authority}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None or port == USUAL_PORTS.get(parts.scheme) else f"{shown}:{port}"


def public_id(folder: str, storyboard_id: UUID, source_url: str) -> str:
    """The id under which an image is stored. The same image always has the same id.

    The digest covers ``source_url`` up to its ``?``. A new signature for the same object does not
    change it, another object does. So a late worker cannot overwrite a newer image.
    """
    digest = hashlib.sha256(source_url.partition("?")[0].encode()).hexdigest()[:10]
    return f"{folder}/{storyboard_id}-{digest}"


def storyboard_of(public_id: str) -> UUID | None:
    """The row for which an image was stored under ``public_id``; ``None`` if that is none of
    :func:`public_id`."""
    found = OWN_PUBLIC_ID.fullmatch(public_id)
    return UUID(found[1]) if found else None
