"""Indexes in the order in which the board shows panels.

The board shows panels by their creation, the newest first, narrowed down to a state, a project or a
cause. Each index begins with what is fixed and ends with that order, so that a page is read along
it, however many rows there are. An order over all states is read along the four states at once.
Those over failed rows cost nothing for an image that becomes ready. The index over projects takes
the place of an older one: each index costs every write some microseconds, and the rows of a project
are few enough to be sorted by their position.

Workers use the table while this runs, so the indexes are built concurrently. Printed SQL is one
transaction, which cannot do that.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As in queries/columns.py. A failed row may hold a code or a host of any length, and an entry of an
# index holds 2704 bytes. The row must be writable all the same.
CODE = "left(error_code, 100)"
HOST = """left(lower(coalesce(
        substring(source_url, '^[^:]+://(?:[^/?#]*@)?[[]([^]]+)[]]'),
        substring(source_url, '^[^:]+://(?:[^/?#]*@)?([^/:?#]*)'))), 253)"""

INDEXES = {
    "storyboards_board_idx": "(status, created_at, id)",
    "storyboards_board_project_idx": """(project_id, status, created_at, id)
    WHERE project_id IS NOT NULL""",
    "storyboards_code_idx": f"""({CODE}, created_at, id)
    WHERE status = 'failed'""",
    "storyboards_cause_idx": f"""({CODE}, {HOST}, created_at, id)
    WHERE status = 'failed'""",
}
# As in 0001.
OLD_PROJECT_INDEX = """
CREATE INDEX storyboards_project_idx ON public.storyboards
    (project_id, position) WHERE project_id IS NOT NULL
"""


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON public.storyboards\n    {columns}")
    op.execute("DROP INDEX public.storyboards_project_idx")


def run_beside_others() -> None:
    for name, columns in INDEXES.items():
        online_ddl.build_index(name, f"public.storyboards\n    {columns}")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.storyboards_project_idx")


def downgrade() -> None:
    op.execute(OLD_PROJECT_INDEX.strip())
    for name in INDEXES:
        op.execute(f"DROP INDEX public.{name}")
