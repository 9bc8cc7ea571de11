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

# Rows of storyboard_alarms that are no alarms. Their `last_seen_at` is when a picture became ready:
# the newest one that was asked for, and one for which no answer came. The name of an alarm must not
# be their beginning.
MARK = "last_look:cdn"
UNANSWERED = "last_unanswered:cdn"
LONGEST_AGO_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class NewPicture:
    storyboard_id: UUID
    cdn_url: str
    ready_at: datetime
    was_unanswered: bool = False


class NewPictures:
    """Remembers in a table up to where sweeps have looked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since_last_look(self, most: int) -> list[NewPicture]:
        """The newest ``most`` of them, at most a day old, newest first. ``was_unanswered``: no
        answer came when a look before this one asked for it.

        A row whose transaction ends after a look, with an earlier moment, may be missed.
        There are none in a database that is not migrated yet.
        """
        looked_at, unanswered = (
            select(alarms.last_seen_at).where(alarms.name == name).scalar_subquery()
            for name in (MARK, UNANSWERED)
        )
        earliest = NOW - seconds(LONGEST_AGO_SECONDS)
        statement = (
            select(
                rows.id,
                rows.cdn_url,
                rows.finished_at,
                rows.finished_at.is_not_distinct_from(unanswered),
            )
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
        self._note(MARK, ready_at)

    def unanswered(self, ready_at: datetime) -> None:
        """No answer came for the picture that was ready at this moment."""
        self._note(UNANSWERED, ready_at)

    def _note(self, name: str, ready_at: datetime) -> None:
        noted = insert(storyboard_alarms).values(name=name, last_seen_at=ready_at)
        statement = noted.on_conflict_do_update(
            index_elements=[alarms.name], set_={"last_seen_at": ready_at}
        )
        with self._database.transaction() as connection:
            connection.execute(statement)
