"""The signs that sweeps have seen, and the alarms that they have raised.

Each sweep is a process of its own. It finds here which alarms earlier sweeps have raised, so that
an outage is reported once an hour and not with every sweep.
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

# Older projects of Supabase grant rights on new tables by default.
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
