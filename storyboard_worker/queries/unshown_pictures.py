"""Stored pictures that no row has ever shown.

A worker may lose its claim while it uploads: the row is deleted, or gets another image. Or an
attempt ends with an error and its picture may be stored all the same: the answer was lost, or tells
of other bytes. Or a worker vanishes between the last byte of an upload and its answer. The triggers
that list the pictures of rows do not see it, so the worker lists it, or the one that rescues the
row. Where a later attempt stores the picture well, it leaves the list. Where none does, ``prune``
deletes it.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Text, case, column, false, func, not_, select, values
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import Insert, insert

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_orphans, storyboards
from storyboard_worker.errors import DatabaseUnavailable, DataRefused, SchemaOutdated
from storyboard_worker.logs import event
from storyboard_worker.queries.columns import NOW

# More cannot be lost at once: a worker has fewer slots, and a batch of rescued rows is smaller.
MOST_KEPT = 1000

Picture = tuple[UUID, str]


class UnshownPictures:
    """Of one worker's queue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: list[Picture] = []

    def keep(self, pictures: Iterable[Picture]) -> None:
        """These are to be listed, each given as the id of its row and its public id."""
        self._kept = [*self._kept, *pictures][-MOST_KEPT:]

    def list_kept(self) -> None:
        """Put what was kept on the list of orphans.

        One that its row shows is left out. One that its row is about to show leaves the list when
        the row is ready. Never raises: what the database does not take now is kept for the next
        time.
        """
        if not self._kept:
            return
        try:
            with self._database.transaction() as connection:
                connection.execute(_listing(self._kept))
        except DatabaseUnavailable as error:
            event(logging.WARNING, "pictures that no row shows are not listed yet", reason=error)
            return
        except (SchemaOutdated, DataRefused) as error:
            event(logging.WARNING, "pictures that no row shows cannot be listed", reason=error)
        self._kept = []


def _listing(pictures: Iterable[Picture]) -> Insert:
    stored = values(column("id", UuidType), column("public_id", Text), name="stored").data(
        sorted(dict.fromkeys(pictures))
    )
    rows = storyboards.c
    shows = (rows.picture_public_id == stored.c.public_id) | (rows.public_id == stored.c.public_id)
    reason = case((rows.id.is_(None), "deleted"), else_="replaced")
    found = (
        select(stored.c.public_id, reason)
        .select_from(stored.outerjoin(storyboards, rows.id == stored.c.id))
        .where(not_(func.coalesce(shows, false())))
    )
    listed = insert(storyboard_orphans).from_select(["public_id", "reason"], found)
    return listed.on_conflict_do_update(
        index_elements=[storyboard_orphans.c.public_id],
        set_={"orphaned_at": NOW, "reason": listed.excluded.reason},
    )
