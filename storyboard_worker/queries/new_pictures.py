"""The pictures that became ready since a sweep last asked the CDN for some."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_alarms, storyboards
from storyboard_worker.errors import SchemaOutdated
from storyboard_worker.queries.columns import NOW, READY, seconds

rows = storyboards.c
alarms = storyboard_alarms.c

# A row of storyboard_alarms that is no alarm: its `last_seen_at` is when the newest picture that
# was asked for became ready. The name of an alarm must not be its beginning.
MARK = "last_look:cdn"
LONGEST_AGO_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class NewPicture:
    storyboard_id: UUID
    cdn_url: str
    ready_at: datetime


class NewPictures:
    """Remembers in a table up to where sweeps have looked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since_last_look(self, most: int) -> list[NewPicture]:
        """The newest ``most`` of them, at most a day old, newest first.

        There are none in a database that is not migrated yet.
        """
        looked_at = select(alarms.last_seen_at).where(alarms.name == MARK).scalar_subquery()
        earliest = NOW - seconds(LONGEST_AGO_SECONDS)
        statement = (
            select(rows.id, rows.cdn_url, rows.finished_at)
            .where(
                rows.status == READY,
                # A restored row may have become ready at any moment, a later one too.
                rows.finished_at <= NOW,
                rows.finished_at > func.greatest(looked_at, earliest),
            )
            .order_by(rows.finished_at.desc())
            .limit(most)
        )
        try:
            with self._database.transaction() as connection:
                return [NewPicture(*row) for row in connection.execute(statement)]
        except SchemaOutdated:
            return []

    def newest(self) -> NewPicture | None:
        """The picture that became ready last, however long ago."""
        statement = (
            select(rows.id, rows.cdn_url, rows.finished_at)
            .where(rows.status == READY, rows.finished_at <= NOW)
            .order_by(rows.finished_at.desc())
            .limit(1)
        )
        with self._database.transaction() as connection:
            row = connection.execute(statement).first()
        return None if row is None else NewPicture(*row)

    def looked_at(self, ready_at: datetime) -> None:
        """Pictures that were ready by ``ready_at`` are not to be asked for again."""
        noted = insert(storyboard_alarms).values(name=MARK, last_seen_at=ready_at)
        statement = noted.on_conflict_do_update(
            index_elements=[alarms.name], set_={"last_seen_at": ready_at}
        )
        with self._database.transaction() as connection:
            connection.execute(statement)
