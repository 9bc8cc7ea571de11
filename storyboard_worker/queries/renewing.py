"""Leases are extended, all of a worker's in one statement."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Uuid as UuidType
from sqlalchemy import and_, column, select, update, values

from storyboard_worker.database import Database
from storyboard_worker.database.tables import storyboards
from storyboard_worker.queries.columns import NOW
from storyboard_worker.storyboard import Claim

rows = storyboards.c


def renew(database: Database, claims: Sequence[Claim], lease: timedelta) -> set[UUID]:
    """Extend the leases of ``claims``; the tokens of those that are still held.

    Rows that another session has locked this moment are skipped and renewed next time: one row
    in a producer's long transaction must not cost all others their lease.
    """
    ours = values(column("id", UuidType), column("token", UuidType), name="ours").data(
        [(claim.id, claim.token) for claim in claims]
    )
    same = and_(rows.id == ours.c.id, rows.claim_token == ours.c.token)
    held = (
        select(rows.id)
        .select_from(storyboards.join(ours, same))
        .with_for_update(skip_locked=True, of=storyboards)
        .cte("held")
        .prefix_with("MATERIALIZED")
    )
    renewal = update(storyboards).where(rows.id == held.c.id).values(lease_expires_at=NOW + lease)
    still_ours = select(rows.claim_token).where(
        rows.claim_token.in_(claim.token for claim in claims),
        rows.id.in_(claim.id for claim in claims),
    )
    with database.transaction() as connection:
        connection.execute(renewal)
        return set(connection.execute(still_ours).scalars())
