"""The list of stored pictures that no row shows any more.

Triggers and workers write it. A picture on it may be shown all the same, by a row that was copied
or restored. So each is looked for in all rows, by its value, before it is deleted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    Boolean,
    Connection,
    Text,
    any_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_orphans, storyboards
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.columns import HIDDEN, NOW

rows = storyboards.c
orphans = storyboard_orphans.c

# Even a policy that shows some rows may hide the one that shows a picture.
_may_hide_rows = literal_column(
    "pg_catalog.row_security_active('public.storyboards') "
    "OR pg_catalog.row_security_active('public.storyboard_orphans')",
    Boolean,
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """``orphaned_at`` tells one listing of a picture from a later one."""

    public_id: str
    orphaned_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many pictures are listed, and for how long the first of them; 0 where none is."""

    count: int
    oldest_seconds: float


class Orphans:
    def __init__(self, database: Database) -> None:
        self._database = database

    def moment_ago(self, age: timedelta) -> datetime:
        """By the database's clock. Raises :class:`RowsHidden` unless all rows can be seen."""
        with self._database.transaction() as connection:
            _check_all_are_seen(connection)
            moment: datetime = connection.execute(select(NOW - age)).scalar_one()
        return moment

    def waiting(self) -> Waiting:
        age = func.extract("epoch", NOW - func.min(orphans.orphaned_at))
        with self._database.transaction() as connection:
            count, oldest = connection.execute(select(func.count(), age)).one()
        return Waiting(count, float(oldest or 0.0))

    def count(self, until: datetime) -> int:
        """How many are listed that became orphans ``until`` this moment."""
        statement = select(func.count()).where(orphans.orphaned_at <= until)
        with self._database.transaction() as connection:
            return int(connection.execute(statement).scalar_one())

    def some(self, until: datetime, after: Orphan | None, most: int) -> list[Orphan]:
        """The oldest of these, those that come ``after`` one."""
        statement = (
            select(orphans.public_id, orphans.orphaned_at)
            .where(orphans.orphaned_at <= until)
            .order_by(orphans.orphaned_at, orphans.public_id)
            .limit(most)
        )
        if after is not None:
            place = tuple_(orphans.orphaned_at, orphans.public_id)
            statement = statement.where(place > tuple_(after.orphaned_at, after.public_id))
        with self._database.transaction() as connection:
            return [Orphan(*row) for row in connection.execute(statement)]

    def shown(self, public_ids: Collection[str]) -> set[str]:
        """Which of these pictures some row shows.

        It reads the whole table once, however many pictures there are. It is waited for as long as
        the server is at work on it. Raises :class:`RowsHidden` unless all rows can be seen.
        """
        ids = bindparam("ids", list(public_ids), type_=ARRAY(Text))
        pictures = (rows.public_id, rows.picture_public_id)
        statement = select(*pictures).where(or_(*(column == any_(ids) for column in pictures)))
        with self._database.patient() as connection, connection.begin():
            self._database.watch(connection)
            _check_all_are_seen(connection)
            found = {one for row in connection.execute(statement) for one in row if one}
        return found.intersection(public_ids)

    def take_off(self, some: Sequence[Orphan]) -> None:
        """Take them off the list, unless they were listed anew."""
        with self._database.transaction() as connection:
            take_off(connection, some)


def take_off(connection: Connection, some: Sequence[Orphan]) -> None:
    """See :meth:`Orphans.take_off`."""
    listed = [(one.public_id, one.orphaned_at) for one in some]
    place = tuple_(orphans.public_id, orphans.orphaned_at)
    connection.execute(delete(storyboard_orphans).where(place.in_(listed)))


def _check_all_are_seen(connection: Connection) -> None:
    if connection.scalar(select(_may_hide_rows)):
        raise RowsHidden(HIDDEN)
