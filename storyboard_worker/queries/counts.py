"""The numbers that people and monitors look at: rows by status, waiting time, throughput."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, func, select

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.columns import (
    FAILED,
    HIDDEN,
    NOW,
    PENDING,
    PROCESSING,
    READY,
    expires_soon,
    oldest_waiting_seconds,
    rows_are_hidden,
    seconds,
)

rows = storyboards.c

THROUGHPUT_WINDOW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers at one moment.

    ``oldest_waiting_seconds``: how long the longest-waiting row has been due, 0 when none is.
    ``expiring_soon``: unfinished rows whose link dies within two hours.
    ``ready_lately``: rows that became ready within the last five minutes.
    """

    waiting: int
    processing: int
    ready: int
    failed: int
    oldest_waiting_seconds: float
    expiring_soon: int
    ready_lately: int

    @property
    def ready_per_minute(self) -> float:
        return self.ready_lately * 60 / THROUGHPUT_WINDOW_SECONDS


class StoryboardCounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Counts:
        """All counts in one statement, each from its own partial index.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        lately = rows.finished_at > NOW - seconds(THROUGHPUT_WINDOW_SECONDS)
        statement = select(
            _count(rows.status == PENDING),
            _count(rows.status == PROCESSING),
            _count(rows.status == READY),
            _count(rows.status == FAILED),
            oldest_waiting_seconds(),
            _count(rows.status == PENDING, expires_soon)
            + _count(rows.status == PROCESSING, expires_soon),
            _count(rows.status == READY, lately),
            rows_are_hidden,
        )
        with self._database.transaction() as connection:
            row = connection.execute(statement).one()
        if row.hidden:
            raise RowsHidden(HIDDEN)
        return Counts(*row[:-1])

    def failed_by_code(self) -> dict[str, int]:
        """How many rows have failed with each error code that occurs."""
        statement = (
            select(rows.error_code, func.count())
            .where(rows.status == FAILED)
            .group_by(rows.error_code)
        )
        with self._database.transaction() as connection:
            return {str(code): count for code, count in connection.execute(statement)}


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(storyboards).where(*conditions).scalar_subquery()
