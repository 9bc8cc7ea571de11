"""What sweeps have seen, and what of it they have told.

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
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    raised_at timestamptz
)
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
    for statement in [ALARMS, *RIGHTS]:
        op.execute(statement.strip())


def downgrade() -> None:
    op.execute("DROP TABLE public.storyboard_alarms")
