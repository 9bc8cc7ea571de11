"""The claim index in one direction, without nulls, so that a claim can begin in its middle.

Rows that were taken stay in the index as dead entries until a vacuum may remove them, which an
old snapshot anywhere in the database forbids; and rows that wait for another attempt stay in it
anyhow. A claim that had to walk past all of them from the beginning would grow slower with each
row taken. Postgres can begin in the middle of an index by comparing rows, and only where all
columns run in the same direction and none is null.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Under a name of its own at first: rows can be read while it is built.
ONE_DIRECTION = """
CREATE INDEX storyboards_new_claim_idx ON public.storyboards
    ((-priority::integer), (COALESCE(source_expires_at, 'infinity')), available_at, id)
    WHERE status = 'pending'
"""

AS_BEFORE = """
CREATE INDEX storyboards_new_claim_idx ON public.storyboards
    (priority DESC, source_expires_at, available_at) WHERE status = 'pending'
"""

REPLACE = [
    "DROP INDEX public.storyboards_claim_idx",
    "ALTER INDEX public.storyboards_new_claim_idx RENAME TO storyboards_claim_idx",
]


def upgrade() -> None:
    for statement in [ONE_DIRECTION.strip(), *REPLACE]:
        op.execute(statement)


def downgrade() -> None:
    for statement in [AS_BEFORE.strip(), *REPLACE]:
        op.execute(statement)
