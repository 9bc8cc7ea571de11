"""What the board shows of a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.board.places import Place
from storyboard_worker.queries.progress import view
from storyboard_worker.redaction.redactor import without_query
from storyboard_worker.storyboard import Status, host_of

rows = storyboards.c
PANEL_COLUMNS = (
    rows.id,
    rows.project_id,
    rows.position,
    rows.status,
    rows.source_url,
    rows.picture_url,
    rows.cdn_url,
    rows.width,
    rows.height,
    rows.bytes,
    rows.format,
    rows.error_code,
    rows.error_message,
    rows.errored_at,
    rows.sentry_event_id,
    rows.priority,
    rows.attempts,
    rows.max_attempts,
    rows.claimed_by,
    rows.claimed_at,
    rows.created_at,
    rows.updated_at,
    rows.available_at,
    rows.source_expires_at,
    rows.finished_at,
    rows.copy_seconds,
)
# The sentence for the person who waits, and whether another attempt can help. Only the view says
# which.
SENTENCES = (view.c.message, view.c.can_retry)


@dataclass(frozen=True, slots=True)
class Panel:
    """One row. Its texts come from outside and are as the table holds them.

    ``picture_url`` is the newest picture that the row ever had, ``cdn_url`` that of its present
    source. ``source_shown`` is the source's URL without its query, which is a secret, and ``host``
    its host. ``message`` and ``can_retry`` are those of the view ``storyboard_progress``.
    ``copy_seconds`` is how long the attempt took that made it ready.
    """

    id: UUID
    project_id: str | None
    position: int | None
    state: Status
    picture_url: str | None
    cdn_url: str | None
    width: int | None
    height: int | None
    bytes: int | None
    format: str | None
    source_shown: str
    host: str
    message: str
    can_retry: bool
    error_code: str | None
    error_message: str | None
    errored_at: datetime | None
    sentry_event_id: str | None
    priority: int
    attempts: int
    max_attempts: int | None
    claimed_by: str | None
    claimed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    available_at: datetime
    source_expires_at: datetime | None
    finished_at: datetime | None
    copy_seconds: float | None

    @property
    def place(self) -> Place:
        return Place(self.created_at, self.id)


def panel_of(found: Mapping[str, Any]) -> Panel:
    """The panel of a row that has :data:`PANEL_COLUMNS` and :data:`SENTENCES`."""
    facts = dict(found)
    source_url = facts.pop("source_url")
    return Panel(
        state=Status(facts.pop("status")),
        source_shown=without_query(source_url),
        host=host_of(source_url),
        **facts,
    )
