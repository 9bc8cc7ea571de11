"""Notes together with which rows a row was lost with its worker.

When one of these rows turns out to kill workers, all others get their attempts back.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMN = "ALTER TABLE public.storyboards ADD COLUMN lost_with text"
# Few rows have a value here.
INDEX = "storyboards_lost_with_idx"
DEFINITION = "public.storyboards (lost_with)\n    WHERE lost_with IS NOT NULL"


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    op.execute(COLUMN)
    op.execute(f"CREATE INDEX {INDEX} ON {DEFINITION}")


def run_beside_others() -> None:
    online_ddl.add_column("public.storyboards", "lost_with", COLUMN)
    online_ddl.build_index(INDEX, DEFINITION)


def downgrade() -> None:
    op.execute(f"DROP INDEX public.{INDEX}")
    op.execute("ALTER TABLE public.storyboards DROP COLUMN lost_with")
