"""What an alarm is raised for, and whether it was raised already."""

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
# Two sweeps in a row and a bit: what was not seen for longer is another matter.
SIGHT_LAPSES_AFTER_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Signs:
    """How the table fares, by the database's clock.

    ``moment`` is when that was. ``oldest_waiting_seconds``: how long the longest-waiting row
    has been due, 0 when none is.
    ``seconds_since_activity``: since a row was claimed or finished; ``None``: never.
    ``expiring``: rows that wait and whose link dies within two hours, the first of them in
    ``first_expiry_seconds``.
    """

    moment: datetime
    oldest_waiting_seconds: float
    seconds_since_activity: float | None
    expiring: int
    first_expiry_seconds: float | None


class AlarmRegister:
    """Without its table (a deployment that is not migrated yet) it remembers nothing: better an
    alarm with every sweep than none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self) -> Signs:
        """All signs in one statement, each from its own partial index.

        Raises :class:`RowsHidden` where none could be seen.
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
        """Note that the alarm is raised, unless it was within ``every_seconds``; whether it is.

        Of two sweeps that meet only one raises it.
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
            # Better twice than never: what is noted as raised is not raised again for an hour.
            if not raised:
                raise
        return raised

    def seen_for_seconds(self, name: str) -> float:
        """For how long this has been seen again and again, without having been cleared."""
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
        """What alarms whose names begin so, ``but`` these, were raised for is over: the next ones
        are others. What was last seen long ago is forgotten as well."""
        last = func.greatest(alarms.raised_at, alarms.last_seen_at)
        over = alarms.name.startswith(beginning, autoescape=True) & alarms.name.not_in(but)
        over |= last < NOW - seconds(FORGOTTEN_AFTER_SECONDS)
        with suppress(SchemaOutdated), self._database.transaction() as connection:
            connection.execute(delete(storyboard_alarms).where(over))
