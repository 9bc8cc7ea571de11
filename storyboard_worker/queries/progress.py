"""What a person who waits for a panel may see."""

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, column, select, table

from storyboard_worker.database import Database

storyboard_id = column("id", Uuid)
view = table(
    "storyboard_progress",
    storyboard_id,
    *map(column, ("project_id", "position", "status", "cdn_url", "message", "can_retry")),
    *map(column, ("error_code", "updated_at", "picture_url")),
    schema="public",
)


class StoryboardProgress:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id_: UUID) -> dict[str, Any] | None:
        """One row of the view ``storyboard_progress``, or ``None``."""
        with self._database.transaction() as connection:
            found = connection.execute(select(view).where(storyboard_id == id_))
            row = found.mappings().one_or_none()
            return None if row is None else dict(row)
