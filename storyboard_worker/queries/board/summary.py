"""The state of the whole at one moment, at about the same cost whatever the number of rows."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    Subquery,
    Text,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from storyboard_worker.database import Database
from storyboard_worker.database.tables import literal_status, storyboard_alarms, storyboards
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.board.short_read import short_read
from storyboard_worker.queries.columns import (
    HIDDEN,
    NOW,
    READY,
    expires_soon,
    is_alive,
    is_due,
    rows_are_hidden,
    seconds,
    seconds_between,
)
from storyboard_worker.queries.counts import THROUGHPUT_WINDOW_SECONDS
from storyboard_worker.queries.workers import WorkerRegister, paused_upstreams
from storyboard_worker.storyboard import Status

rows = storyboards.c
alarms = storyboard_alarms.c

MOST_COUNTED = 5_000
ALARMS_OF_SECONDS = 86_400
# A few tell on which hosts an account delivers.
NEWEST_PICTURES = 20
# For these states an index of their own says about how many rows it holds.
ESTIMATED_BY = {Status.READY: "storyboards_ready_idx", Status.FAILED: "storyboards_failed_idx"}
WAITING_BY = "storyboards_claim_idx"


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of rows; above 5,000 about so many."""

    count: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm whose cause is not over. ``name`` is what its outage is recognised by."""

    name: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """``moment`` is the database's clock.

    ``oldest_waiting_seconds``: how long the longest-waiting row has been due, 0 when none is.
    ``expiring_soon``: unfinished rows whose link dies within two hours. Of more than 5,000 waiting
    rows both look at the 5,000 oldest. ``ready_lately``: rows that became ready within the last
    five minutes. ``workers`` are the rows of those that are alive, ``paused`` the upstreams that
    these do not ask now. ``alarms`` are those of the last day, the latest first.
    ``newest_pictures`` are addresses of the pictures that became ready last. ``moment`` is the
    database's clock, and ``read_at`` this process's monotonic clock at that moment.
    """

    moment: datetime
    read_at: float
    waiting: Tally
    processing: Tally
    ready: Tally
    failed: Tally
    oldest_waiting_seconds: float
    expiring_soon: int
    ready_lately: Tally
    workers: list[dict[str, Any]]
    paused: list[dict[str, str]]
    alarms: list[RaisedAlarm]
    newest_pictures: list[str]

    @property
    def now(self) -> datetime:
        """The database's clock at this moment, as far as this process can tell."""
        return self.moment + timedelta(seconds=time.monotonic() - self.read_at)


class BoardSummary:
    """``register`` knows which workers count as alive."""

    def __init__(self, database: Database, register: WorkerRegister) -> None:
        self._database = database
        self._register = register

    def read(self) -> Summary:
        """Raises :class:`RowsHidden` where row-level security hides the rows."""
        with short_read(self._database) as connection:
            read_at = time.monotonic()
            numbers = connection.execute(_numbers()).one()
            raised = [RaisedAlarm(row.name, row.raised_at) for row in connection.execute(_alarms())]
        if numbers.hidden:
            raise RowsHidden(HIDDEN)
        workers = self._register.alive()
        return Summary(
            moment=numbers.moment,
            read_at=read_at,
            waiting=_tally(numbers.waiting, numbers.about_waiting),
            processing=_tally(numbers.processing, None),
            ready=_tally(numbers.ready, numbers.about_ready),
            failed=_tally(numbers.failed, numbers.about_failed),
            oldest_waiting_seconds=numbers.oldest,
            expiring_soon=numbers.waiting_expiring + numbers.processing_expiring,
            ready_lately=_tally(numbers.ready_lately, None),
            workers=workers,
            paused=paused_upstreams(workers),
            alarms=raised,
            newest_pictures=numbers.newest_pictures,
        )


def _tally(counted: int, about: float | None) -> Tally:
    """What was counted, up to one more than the bound; then what its index says, if it does."""
    if counted <= MOST_COUNTED:
        return Tally(counted, is_exact=True)
    return Tally(max(MOST_COUNTED, round(about or 0)), is_exact=False)


def _numbers() -> Select[Any]:
    waiting = _unfinished(Status.PENDING)
    processing = _unfinished(Status.PROCESSING)
    lately = rows.finished_at > NOW - seconds(THROUGHPUT_WINDOW_SECONDS)
    return select(
        NOW.label("moment"),
        waiting.c.count.label("waiting"),
        waiting.c.oldest.label("oldest"),
        waiting.c.expiring.label("waiting_expiring"),
        processing.c.count.label("processing"),
        processing.c.expiring.label("processing_expiring"),
        _count(Status.READY).label("ready"),
        _count(Status.FAILED).label("failed"),
        _count(Status.READY, lately).label("ready_lately"),
        _held_by(WAITING_BY).label("about_waiting"),
        _held_by(ESTIMATED_BY[Status.READY]).label("about_ready"),
        _held_by(ESTIMATED_BY[Status.FAILED]).label("about_failed"),
        _newest_pictures().label("newest_pictures"),
        rows_are_hidden,
    ).select_from(waiting.join(processing, true()))


def _unfinished(status: Status) -> Subquery:
    """What the oldest rows of this state say, in one look at them."""
    oldest = (
        select(
            rows.available_at,
            (is_due & is_alive).label("is_waiting"),
            expires_soon.label("expires_soon"),
        )
        .where(rows.status == literal_status(status))
        .order_by(rows.created_at, rows.id)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    since = func.min(oldest.c.available_at).filter(oldest.c.is_waiting)
    return (
        select(
            func.count().label("count"),
            func.coalesce(seconds_between(NOW, since), 0.0).label("oldest"),
            func.count().filter(oldest.c.expires_soon).label("expiring"),
        )
        .select_from(oldest)
        .subquery(str(status))
    )


def _count(status: Status, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    counted = (
        select(literal_column("1"))
        .select_from(storyboards)
        .where(rows.status == literal_status(status), *conditions)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    return select(func.count()).select_from(counted).scalar_subquery()


def _newest_pictures() -> ColumnElement[list[str]]:
    newest = (
        select(rows.cdn_url)
        # A restored row may have become ready at any moment, a later one too.
        .where(rows.status == READY, rows.finished_at <= NOW)
        .order_by(rows.finished_at.desc())
        .limit(NEWEST_PICTURES)
    )
    return func.array(newest.scalar_subquery(), type_=ARRAY(Text))


def _held_by(index: str) -> ColumnElement[float]:
    """About how many rows an index holds, by the last vacuum or analyze."""
    relation = table("pg_class", column("oid"), column("reltuples"), schema="pg_catalog")
    is_named = relation.c.oid == func.to_regclass(f"public.{index}")
    return select(cast(relation.c.reltuples, Double)).where(is_named).scalar_subquery()


def _alarms() -> Select[tuple[str, datetime]]:
    return (
        select(alarms.name, alarms.raised_at)
        .where(alarms.raised_at > NOW - seconds(ALARMS_OF_SECONDS))
        .order_by(alarms.raised_at.desc())
    )
