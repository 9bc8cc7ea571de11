"""The life of one panel, moment by moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.board.panels import PANEL_COLUMNS, SENTENCES, Panel, panel_of
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.columns import NOW
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.progress import storyboard_id, view
from storyboard_worker.storyboard import Status

rows = storyboards.c


class Happening(StrEnum):
    """What a moment in the life of a panel is."""

    ENQUEUED = "enqueued"
    STARTED_AFRESH = "started_afresh"
    ATTEMPT_FAILED = "attempt_failed"
    IN_WORK = "in_work"
    READY = "ready"
    FAILED = "failed"
    WAITS_UNTIL = "waits_until"
    LINK_DIES = "link_dies"


@dataclass(frozen=True, slots=True)
class Moment:
    """``seconds`` is how long an attempt took, or has taken so far. ``attempt`` counts from 1."""

    what: Happening
    at: datetime
    seconds: float | None = None
    attempt: int | None = None
    worker_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    sentry_event_id: str | None = None


@dataclass(frozen=True, slots=True)
class PanelLife:
    """A panel and its moments, the earliest first. Those after ``now`` are still to come."""

    panel: Panel
    moments: list[Moment]
    now: datetime


class PanelLives:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, id_: UUID) -> PanelLife | None:
        """``None`` if there is no such row.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        statement = (
            select(*PANEL_COLUMNS, *SENTENCES, rows.source_set_at, NOW.label("now"))
            .join_from(storyboards, view, storyboard_id == rows.id)
            .where(rows.id == id_)
        )
        with short_read(self._database) as connection:
            found = connection.execute(statement).mappings().one_or_none()
            if found is None:
                check_rows_are_seen(connection)
                return None
        facts = dict(found)
        now, source_set_at = facts.pop("now"), facts.pop("source_set_at")
        panel = panel_of(facts)
        moments = sorted(_moments(panel, source_set_at, now), key=lambda moment: moment.at)
        return PanelLife(panel, moments, now)


def _moments(panel: Panel, source_set_at: datetime | None, now: datetime) -> Iterator[Moment]:
    yield Moment(Happening.ENQUEUED, panel.created_at)
    if source_set_at is not None and source_set_at > panel.created_at:
        yield Moment(Happening.STARTED_AFRESH, source_set_at)
    if panel.errored_at is not None:
        yield _error(panel, panel.errored_at)
    if panel.claimed_at is not None:
        took = (now - panel.claimed_at).total_seconds()
        yield Moment(
            Happening.IN_WORK, panel.claimed_at, took, panel.attempts, worker_id=panel.claimed_by
        )
    if panel.state is Status.READY and panel.finished_at is not None:
        yield Moment(Happening.READY, panel.finished_at, attempt=panel.attempts)
    if panel.state is Status.PENDING and panel.available_at > now:
        yield Moment(Happening.WAITS_UNTIL, panel.available_at)
    if panel.source_expires_at is not None:
        yield Moment(Happening.LINK_DIES, panel.source_expires_at)


def _error(panel: Panel, at: datetime) -> Moment:
    is_last = panel.state is Status.FAILED
    return Moment(
        Happening.FAILED if is_last else Happening.ATTEMPT_FAILED,
        at,
        error_code=panel.error_code,
        error_message=panel.error_message,
        sentry_event_id=panel.sentry_event_id,
    )
