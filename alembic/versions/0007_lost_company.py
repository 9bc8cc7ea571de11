"""In which company a row was lost with its worker: when another row of it turns out to be what
kills workers, all others have their attempts back."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMN = "ALTER TABLE public.storyboards ADD COLUMN lost_with text"
# Few rows ever have one.
INDEX = """
CREATE INDEX storyboards_lost_with_idx ON public.storyboards (lost_with)
    WHERE lost_with IS NOT NULL
"""


def upgrade() -> None:
    op.execute(COLUMN)
    op.execute(INDEX.strip())


def downgrade() -> None:
    op.execute("DROP INDEX public.storyboards_lost_with_idx")
    op.execute("ALTER TABLE public.storyboards DROP COLUMN lost_with")
