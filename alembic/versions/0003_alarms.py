"""Which alarms were raised lately, and since when a worker has had trouble with an upstream.

Sweeps are processes that come and go; so that an outage is told once an hour and not with every
sweep, they have to find here what the ones before have told.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ALARMS = """
CREATE TABLE public.storyboard_alarms (
    name text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now(),
    raised_at timestamptz
)
"""

TROUBLED = """
ALTER TABLE public.storyboard_workers ADD COLUMN troubled jsonb NOT NULL DEFAULT '{}'
"""

# Older projects of Supabase give new tables away by default.
RIGHTS = [
    "ALTER TABLE public.storyboard_alarms ENABLE ROW LEVEL SECURITY",
    "REVOKE ALL ON public.storyboard_alarms FROM PUBLIC",
    """
DO $body$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboard_alarms FROM ' || grantee;
    END LOOP;
END
$body$
""",
]


def upgrade() -> None:
    for statement in [ALARMS, TROUBLED, *RIGHTS]:
        op.execute(statement.strip())


def downgrade() -> None:
    op.execute("ALTER TABLE public.storyboard_workers DROP COLUMN troubled")
    op.execute("DROP TABLE public.storyboard_alarms")
