"""The claim index in one direction, without nulls, so that a claim can begin in its middle.

Rows that were taken stay in the index as dead entries until a vacuum removes them, which an old
snapshot anywhere in the database prevents. Rows that wait for another attempt stay in it as well.
A claim that walked past all of them would grow slower with each row taken. Postgres can begin in
the middle of an index by comparing rows, but only where all columns run in the same direction and
none is null.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# It has a name of its own at first, so that rows can be read while it is built.
ONE_DIRECTION = """
CREATE INDEX storyboards_new_claim_idx ON public.storyboards
    ((-priority::integer), (COALESCE(source_expires_at, 'infinity')), available_at, id)
    WHERE status = 'pending'
"""

AS_BEFORE = """
CREATE INDEX storyboards_new_claim_idx ON public.storyboards
    (priority DESC, source_expires_at, available_at) WHERE status = 'pending'
"""

SELDOM_AND_SLOWLY = """
ALTER TABLE public.storyboards SET (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 2,
    autovacuum_analyze_scale_factor = 0.05
)
"""

VACUUMED_AS_BEFORE = """
ALTER TABLE public.storyboards SET (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.02
)
"""

REPLACE = [
    "DROP INDEX public.storyboards_claim_idx",
    "ALTER INDEX public.storyboards_new_claim_idx RENAME TO storyboards_claim_idx",
]


def upgrade() -> None:
    for statement in [ONE_DIRECTION.strip(), *REPLACE, SELDOM_AND_SLOWLY.strip()]:
        op.execute(statement)


def downgrade() -> None:
    for statement in [AS_BEFORE.strip(), *REPLACE, VACUUMED_AS_BEFORE.strip()]:
        op.execute(statement)
