"""Attempts whose row went, or got another image, before they ended.

Each may still store its picture. Its worker then lists the picture, unless it is killed before. So
triggers note these attempts, and a prune lists what they may have stored once they are over.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, insert

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_departures, storyboard_orphans
from storyboard_worker.queries.columns import NOW, seconds

departures = storyboard_departures.c


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How many attempts may not be over yet, and in how many seconds they are; 0 where none is."""

    count: int
    seconds: float


class Departures:
    """``folder`` is that of the public ids. An attempt is over ``longest_seconds`` after its row
    went, whatever became of its worker."""

    def __init__(self, database: Database, *, folder: str, longest_seconds: float) -> None:
        self._database = database
        self._folder = folder
        self._longest = seconds(longest_seconds)

    def list_over(self) -> None:
        """List the pictures of the attempts that are over among the orphans.

        A picture that is listed already stays as it is.
        """
        with self._database.transaction() as connection:
            connection.execute(self._listing())

    def under_way(self, until: datetime) -> UnderWay:
        """Those that are not over, of the rows that went ``until`` this moment."""
        left = func.max(departures.departed_at) + self._longest - NOW
        statement = select(func.count(), func.extract("epoch", left)).where(
            departures.departed_at > NOW - self._longest, departures.departed_at <= until
        )
        with self._database.transaction() as connection:
            count, last = connection.execute(statement).one()
        return UnderWay(count, float(last or 0.0))

    def _listing(self) -> Insert:
        over = (
            delete(storyboard_departures)
            .where(departures.departed_at <= NOW - self._longest)
            .returning(*departures)
            .cte("over")
        )
        name = func.concat(cast(over.c.storyboard_id, Text), "-", over.c.source_digest)
        public_id = literal(f"{self._folder}/").concat(name)
        # «deleted» comes before «replaced», and is what counts.
        found = select(public_id, func.max(over.c.departed_at), func.min(over.c.reason))
        in_order = found.group_by(public_id).order_by(public_id)
        listed = insert(storyboard_orphans)
        columns = ["public_id", "orphaned_at", "reason"]
        return listed.from_select(columns, in_order).on_conflict_do_nothing()
