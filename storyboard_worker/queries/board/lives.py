"""The life of one panel, moment by moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import RowMapping, Select, select

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_attempts, storyboards
from storyboard_worker.queries.board.panels import PANEL_COLUMNS, SENTENCES, Panel, panel_of
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.board.starts_afresh import starts_afresh
from storyboard_worker.queries.columns import NOW
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.progress import storyboard_id, view
from storyboard_worker.storyboard import Status

rows = storyboards.c
history = storyboard_attempts.c

# A row that starts afresh again and again keeps the history of all its lives.
MOST_ATTEMPTS = 200


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
    """``seconds`` is how long an attempt took, or has taken so far. ``attempt`` counts from 1.

    Of one that is not ``is_dated`` it is not recorded when it happened, which was before ``at``.
    """

    what: Happening
    at: datetime
    seconds: float | None = None
    attempt: int | None = None
    worker_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    sentry_event_id: str | None = None
    is_dated: bool = True


@dataclass(frozen=True, slots=True)
class PanelLife:
    """A panel and its moments, the earliest first. Those after ``now`` are still to come.

    Of failed attempts it holds the last 200 of the last 30 days. Of attempts that succeeded it
    holds the last one, while the row is ready. The last start afresh has its moment; earlier ones
    are there where the numbers of failed attempts begin anew.
    """

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
            attempts = connection.execute(_history(id_)).mappings().all()[::-1]
        facts = dict(found)
        now, source_set_at = facts.pop("now"), facts.pop("source_set_at")
        panel = panel_of(facts)
        moments = [
            *_beginnings(panel, source_set_at, attempts),
            *_errors(panel, attempts),
            *_present(panel, now),
        ]
        return PanelLife(panel, sorted(moments, key=lambda moment: moment.at), now)


def _history(id_: UUID) -> Select[tuple[object, ...]]:
    return (
        select(storyboard_attempts)
        .where(history.storyboard_id == id_)
        .order_by(history.id.desc())
        .limit(MOST_ATTEMPTS)
    )


def _beginnings(
    panel: Panel, source_set_at: datetime | None, attempts: Sequence[RowMapping]
) -> Iterator[Moment]:
    yield Moment(Happening.ENQUEUED, panel.created_at)
    # It is set anew whenever a row starts afresh.
    if source_set_at is not None and source_set_at > panel.created_at:
        yield Moment(Happening.STARTED_AFRESH, source_set_at)
    for start in starts_afresh(attempts):
        if source_set_at is None or not start.after <= source_set_at <= start.before:
            yield Moment(Happening.STARTED_AFRESH, start.before, is_dated=False)


def _errors(panel: Panel, attempts: Sequence[RowMapping]) -> Iterator[Moment]:
    last = Happening.FAILED if panel.state is Status.FAILED else Happening.ATTEMPT_FAILED
    for attempt in attempts:
        began_at, ended_at = attempt["began_at"], attempt["ended_at"]
        yield Moment(
            last if ended_at == panel.errored_at else Happening.ATTEMPT_FAILED,
            ended_at,
            seconds=None if began_at is None else (ended_at - began_at).total_seconds(),
            attempt=attempt["attempt"],
            worker_id=attempt["worker_id"],
            error_code=attempt["error_code"],
            error_message=attempt["error_message"],
            sentry_event_id=attempt["sentry_event_id"],
        )
    # A row may fail without an attempt, when its link dies while it waits.
    in_history = {attempt["ended_at"] for attempt in attempts}
    if panel.errored_at is not None and panel.errored_at not in in_history:
        yield Moment(
            last,
            panel.errored_at,
            error_code=panel.error_code,
            error_message=panel.error_message,
            sentry_event_id=panel.sentry_event_id,
        )


def _present(panel: Panel, now: datetime) -> Iterator[Moment]:
    if panel.claimed_at is not None:
        took = (now - panel.claimed_at).total_seconds()
        yield Moment(
            Happening.IN_WORK, panel.claimed_at, took, panel.attempts, worker_id=panel.claimed_by
        )
    if panel.state is Status.READY and panel.finished_at is not None:
        yield Moment(Happening.READY, panel.finished_at, panel.copy_seconds, panel.attempts)
    if panel.state is Status.PENDING and panel.available_at > now:
        yield Moment(Happening.WAITS_UNTIL, panel.available_at)
    if panel.source_expires_at is not None:
        yield Moment(Happening.LINK_DIES, panel.source_expires_at)
