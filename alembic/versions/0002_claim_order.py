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

ONE_DIRECTION = """
CREATE INDEX storyboards_claim_idx ON public.storyboards
    ((-priority::integer), (COALESCE(source_expires_at, 'infinity')), available_at, id)
    WHERE status = 'pending'
"""

AS_BEFORE = """
CREATE INDEX storyboards_claim_idx ON public.storyboards
    (priority DESC, source_expires_at, available_at) WHERE status = 'pending'
"""


def upgrade() -> None:
    op.execute("DROP INDEX public.storyboards_claim_idx")
    op.execute(ONE_DIRECTION.strip())


def downgrade() -> None:
    op.execute("DROP INDEX public.storyboards_claim_idx")
    op.execute(AS_BEFORE.strip())
