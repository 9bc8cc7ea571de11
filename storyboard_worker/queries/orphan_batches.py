"""Takes orphans off the list, a batch in a transaction, around the call that deletes them.

The transaction stays open during that call, and holds two kinds of locks. One lets only one batch
be under way in a database. The others keep the rows for which the pictures were stored as they are:
a row that is given its old image again would otherwise upload it under the same id at this moment,
and the call would delete what the row then shows. Workers never wait for these locks, because they
skip locked rows. A producer who changes such a row waits for the end of the call.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboard_orphans, storyboards
from storyboard_worker.queries.columns import FAILED, READY
from storyboard_worker.queries.orphans import Orphan, take_off
from storyboard_worker.storyboard import storyboard_of

rows = storyboards.c
orphans = storyboard_orphans.c

# A number that no other program is likely to use: the CRC-32 of "storyboard-worker prune".
ADVISORY_LOCK_KEY = 3252047925
# The server's own limit may be shorter than a call to Cloudinary. A machine that vanishes keeps its
# locks for so long.
IDLE_SECONDS = 20
IDLE = f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
TRY_LOCK = select(func.pg_try_advisory_xact_lock(ADVISORY_LOCK_KEY))

# Deletes these pictures; the answer names those that are gone.
Delete = Callable[[list[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a batch: ``kept`` were left alone, because their row shows them or may upload
    them again at any moment. ``is_alone`` is false if another prune had the lock; then nothing was
    done."""

    is_alone: bool = True
    kept: frozenset[str] = frozenset()


class OrphanBatches:
    def __init__(self, database: Database) -> None:
        self._database = database

    def delete(self, some: Sequence[Orphan], delete: Delete) -> Batch:
        """Call ``delete`` with those of ``some`` that are still listed and free, and take off the
        list what is gone. An exception of ``delete`` passes through and changes nothing here."""
        with self._database.transaction() as connection:
            if not connection.execute(TRY_LOCK).scalar_one():
                return Batch(is_alone=False)
            listed = _still_listed(connection, some)
            kept = _kept(connection, [one.public_id for one in listed], lock=True)
            free = [one for one in listed if one.public_id not in kept]
            if free:
                connection.exec_driver_sql(IDLE)
                gone = delete([one.public_id for one in free])
                self._database.go_on(connection)
                take_off(connection, [one for one in free if one.public_id in gone])
        return Batch(kept=kept)

    def kept(self, public_ids: Sequence[str]) -> frozenset[str]:
        """Which of these :meth:`delete` would leave alone now. Locks nothing."""
        with self._database.transaction() as connection:
            return _kept(connection, public_ids, lock=False)


def _still_listed(connection: Connection, some: Sequence[Orphan]) -> list[Orphan]:
    statement = select(orphans.public_id, orphans.orphaned_at).where(
        orphans.public_id.in_([one.public_id for one in some])
    )
    listed = {Orphan(*row) for row in connection.execute(statement)}
    return [one for one in some if one in listed]


def _kept(connection: Connection, public_ids: Sequence[str], *, lock: bool) -> frozenset[str]:
    """Those whose row is under way, is locked by another, or shows them. The rows of the others
    stay as they are until the transaction ends, if ``lock``."""
    own = {one: id_ for one in public_ids if (id_ := storyboard_of(one))}
    if not own:
        return frozenset()
    statement = select(rows.id, rows.public_id, rows.picture_public_id).where(
        rows.id.in_(own.values()), rows.status.in_([READY, FAILED])
    )
    if lock:
        statement = statement.with_for_update(read=True, skip_locked=True)
    at_rest = {id_: set(shown) for id_, *shown in connection.execute(statement)}
    # Afterwards, so that a row that was inserted between is seen.
    there = set(connection.scalars(select(rows.id).where(rows.id.in_(own.values()))))
    return frozenset(
        one
        for one, id_ in own.items()
        if id_ in there and (id_ not in at_rest or one in at_rest[id_])
    )
