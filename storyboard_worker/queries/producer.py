"""What a producer inserts, with each column that it may choose."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Insert, insert

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import NOW

rows = storyboards.c


@dataclass(frozen=True, slots=True)
class NewPanel:
    """A panel of a project. It is due ``due_in`` after the insert."""

    source_url: str
    project_id: str
    position: int
    max_attempts: int | None = None
    due_in: timedelta = timedelta()


class Producer:
    """The part that a web app has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *panels: NewPanel) -> list[UUID]:
        """∅ → pending, all or none; returns the ids in the same order."""
        with self._database.transaction() as connection:
            return [
                connection.execute(_insert(panel).returning(rows.id)).scalar_one()
                for panel in panels
            ]


def _insert(panel: NewPanel) -> Insert:
    return insert(storyboards).values(
        source_url=panel.source_url,
        project_id=panel.project_id,
        position=panel.position,
        max_attempts=panel.max_attempts,
        available_at=NOW + panel.due_in,
    )
