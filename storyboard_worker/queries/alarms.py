"""The signs for which an alarm is raised, and the register of alarms raised before."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_alarms, storyboards
from storyboard_worker.errors import CommitInDoubt, RowsHidden, SchemaOutdated
from storyboard_worker.queries.columns import (
    FAILED,
    HIDDEN,
    NOW,
    PROCESSING,
    READY,
    expires_soon,
    is_pending,
    oldest_waiting_seconds,
    rows_are_hidden,
    seconds,
    seconds_between,
)

rows = storyboards.c
alarms = storyboard_alarms.c

FORGOTTEN_AFTER_SECONDS = 86_400
# A little longer than two intervals between sweeps. A sign that was away for longer is a new one.
SIGHT_LAPSES_AFTER_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Signs:
    """The state of the table at ``moment``, by the database's clock.

    ``oldest_waiting_seconds``: how long the longest-waiting row has been due, 0 when none is.
    ``seconds_since_activity``: since a row was claimed or finished; ``None``: never.
    ``expiring``: how many waiting rows have a link that dies within two hours, the first of them
    in ``first_expiry_seconds``.
    """

    moment: datetime
    oldest_waiting_seconds: float
    seconds_since_activity: float | None
    expiring: int
    first_expiry_seconds: float | None


class AlarmRegister:
    """Remembers alarms in a table.

    Without the table (a deployment that is not migrated yet) every sweep raises its alarms again,
    which is better than none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self) -> Signs:
        """All signs in one statement, each from its own partial index.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        active = func.greatest(
            select(func.max(rows.claimed_at)).where(rows.status == PROCESSING).scalar_subquery(),
            select(func.max(rows.finished_at)).where(rows.status == READY).scalar_subquery(),
            select(func.max(rows.errored_at)).where(rows.status == FAILED).scalar_subquery(),
        )
        expiring = (
            select(func.count(), seconds_between(func.min(rows.source_expires_at), NOW))
            .where(is_pending, expires_soon)
            .subquery()
        )
        statement = select(
            NOW,
            oldest_waiting_seconds(),
            seconds_between(NOW, active),
            expiring,
            rows_are_hidden,
        )
        with self._database.transaction() as connection:
            row = connection.execute(statement).one()
        if row.hidden:
            raise RowsHidden(HIDDEN)
        return Signs(*row[:-1])

    def raise_once(self, name: str, *, every_seconds: float) -> bool:
        """Whether to raise the alarm: not if it was raised within ``every_seconds``.

        Notes that it is raised. Of two sweeps that run at the same time only one raises it.
        """
        noted = insert(storyboard_alarms).values(name=name, raised_at=NOW)
        statement = noted.on_conflict_do_update(
            index_elements=[alarms.name],
            set_={"raised_at": NOW},
            where=alarms.raised_at.is_(None) | (alarms.raised_at <= NOW - seconds(every_seconds)),
        ).returning(alarms.name)
        raised = False
        try:
            with self._database.transaction() as connection:
                raised = connection.execute(statement).first() is not None
        except SchemaOutdated:
            return True
        except CommitInDoubt:
            # Better twice than never: a noted alarm is not raised again for an hour.
            if not raised:
                raise
        return raised

    def seen_for_seconds(self, name: str) -> float:
        """For how long this sign has been seen repeatedly, without a :meth:`clear` in between."""
        lapsed = alarms.last_seen_at < NOW - seconds(SIGHT_LAPSES_AFTER_SECONDS)
        statement = (
            insert(storyboard_alarms)
            .values(name=name)
            .on_conflict_do_update(
                index_elements=[alarms.name],
                set_={
                    "seen_at": case((lapsed, NOW), else_=alarms.seen_at),
                    "last_seen_at": NOW,
                },
            )
            .returning(seconds_between(NOW, alarms.seen_at))
        )
        try:
            with self._database.transaction() as connection:
                return float(connection.execute(statement).scalar_one())
        except SchemaOutdated:
            return 0.0

    def clear(self, beginning: str, *, but: Collection[str] = ()) -> None:
        """Forget alarms whose names begin with ``beginning``, ``but`` these: their cause is over.

        Forgets alarms that were last seen long ago as well.
        """
        last = func.greatest(alarms.raised_at, alarms.last_seen_at)
        over = alarms.name.startswith(beginning, autoescape=True) & alarms.name.not_in(but)
        over |= last < NOW - seconds(FORGOTTEN_AFTER_SECONDS)
        with suppress(SchemaOutdated), self._database.transaction() as connection:
            connection.execute(delete(storyboard_alarms).where(over))

    def clear_one(self, name: str) -> bool:
        """Forget one alarm, whose cause is over; whether it was raised before."""
        statement = delete(storyboard_alarms).where(alarms.name == name)
        with suppress(SchemaOutdated), self._database.transaction() as connection:
            return any(
                raised_at is not None
                for raised_at in connection.execute(statement.returning(alarms.raised_at)).scalars()
            )
        return False
