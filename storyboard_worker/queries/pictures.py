"""What the image route needs of many rows at once."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import tuple_row
from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.queries.hidden_rows import check_rows_are_seen
from storyboard_worker.queries.progress import storyboard_id, view


class Shown(NamedTuple):
    """``message`` is a sentence of the view ``storyboard_progress``. ``picture_url`` is the newest
    picture that the row ever had, or ``None``."""

    status: str
    message: str
    picture_url: str | None


_READ = fixed(
    select(view.c.id, view.c.status, view.c.message, view.c.picture_url).where(
        storyboard_id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    )
)


class StoryboardPictures:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, ids: Collection[UUID]) -> dict[UUID, Shown]:
        """Those of ``ids`` that exist, in one statement.

        Raises :class:`RowsHidden` where row-level security hides the rows.
        """
        rows = self._database.run(Call(_READ, {"ids": list(ids)}, tuple_row))
        found = {id_: Shown(*columns) for id_, *columns in rows}
        if len(found) < len(ids):
            with self._database.transaction() as connection:
                check_rows_are_seen(connection)
        return found
