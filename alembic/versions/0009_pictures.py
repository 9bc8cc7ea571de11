"""The newest picture of each row, and a list of stored pictures that no row shows any more.

A page shows ``picture_url`` while the next picture is made, and after a failure. So it outlives
``cdn_url``, which is cleared when a row starts afresh. ``picture_public_id`` tells which stored
picture that is. Triggers list a picture in ``storyboard_orphans`` when another one takes its place,
or when its row is deleted.

Rows that are ready get their picture in batches, while workers and producers go on. Each step may
be interrupted and run again.
"""

import re

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE public.storyboards
    ADD COLUMN picture_url text,
    ADD COLUMN picture_public_id text
"""

# As in 0006, except for the picture. It is set after updated_at, so that to fill a row that is
# there changes nothing that a producer sees.
BEFORE_WRITE = """
CREATE OR REPLACE FUNCTION public.storyboards_before_write() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $body$
DECLARE
    new_source boolean := TG_OP = 'INSERT';
    restarted boolean := false;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        new_source := NEW.source_url IS DISTINCT FROM OLD.source_url;
        restarted := new_source OR (NEW.status = 'pending' AND (
            OLD.status IN ('ready', 'failed')
            OR (OLD.status = 'processing' AND NEW.claim_token IS NOT NULL)));
        IF new_source AND NEW.source_expires_at IS NOT DISTINCT FROM OLD.source_expires_at THEN
            NEW.source_expires_at := NULL;
        END IF;
        IF restarted AND NEW.available_at IS NOT DISTINCT FROM OLD.available_at THEN
            NEW.available_at := now();
        END IF;
        IF OLD.status = 'pending' AND NEW.status = 'processing' THEN
            -- A claim of many rows must not fail for the one that has reached the bound.
            NEW.attempts := least(NEW.attempts, 1000000000);
        END IF;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.updated_at := now();
        END IF;
    END IF;
    IF new_source OR restarted THEN
        -- A link of unknown expiry is taken to live for a day from here.
        NEW.source_set_at := CASE TG_OP WHEN 'INSERT' THEN coalesce(NEW.source_set_at, now())
            ELSE now() END;
    END IF;
    IF new_source AND NEW.source_expires_at IS NULL THEN
        NEW.source_expires_at := public.storyboard_source_expiry(NEW.source_url);
    END IF;
    IF restarted THEN
        IF OLD.status = 'ready' AND OLD.picture_url IS NULL THEN
            -- The row became ready before it had these columns.
            NEW.picture_url := OLD.cdn_url;
            NEW.picture_public_id := OLD.public_id;
        END IF;
        NEW.status := 'pending';
        NEW.attempts := 0;
        NEW.own_errors := 0;
        NEW.workers_lost := 0;
        NEW.cdn_url := NULL;
        NEW.public_id := NULL;
        NEW.asset_id := NULL;
        NEW.format := NULL;
        NEW.width := NULL;
        NEW.height := NULL;
        NEW.bytes := NULL;
        NEW.etag := NULL;
        NEW.error_code := NULL;
        NEW.error_message := NULL;
        NEW.errored_at := NULL;
        NEW.sentry_event_id := NULL;
    END IF;
    IF NEW.status = 'ready' THEN
        NEW.picture_url := NEW.cdn_url;
        NEW.picture_public_id := NEW.public_id;
    END IF;
    IF NEW.status <> 'processing' THEN
        NEW.claim_token := NULL;
        NEW.claimed_by := NULL;
        NEW.claimed_at := NULL;
        NEW.lease_expires_at := NULL;
    END IF;
    IF NEW.status NOT IN ('ready', 'failed') THEN
        NEW.finished_at := NULL;
    ELSIF TG_OP = 'INSERT' THEN
        -- What a restore brings along stays.
        NEW.finished_at := coalesce(NEW.finished_at, now());
    ELSIF NEW.status <> OLD.status THEN
        NEW.finished_at := now();
    END IF;
    RETURN NEW;
END
$body$
"""

# What this migration adds to the function.
PICTURE_OF_OLD_ROWS = """
        IF OLD.status = 'ready' AND OLD.picture_url IS NULL THEN
            -- The row became ready before it had these columns.
            NEW.picture_url := OLD.cdn_url;
            NEW.picture_public_id := OLD.public_id;
        END IF;
"""
PICTURE = """
    IF NEW.status = 'ready' THEN
        NEW.picture_url := NEW.cdn_url;
        NEW.picture_public_id := NEW.public_id;
    END IF;
"""

PROGRESS_BEFORE = """
CREATE OR REPLACE VIEW public.storyboard_progress WITH (security_invoker = true) AS
SELECT
    id, project_id, position, status, cdn_url,
    CASE
        WHEN status IN ('pending', 'processing') THEN
            'Storyboard is being processed, please refresh in a few minutes'
        WHEN status = 'ready' THEN 'Storyboard is ready'
        WHEN error_code IN ('source_expired', 'source_not_found') THEN
            'This link has expired, please generate the image again'
        WHEN error_code IN ('source_blocked', 'source_rejected', 'image_invalid',
                            'image_too_large', 'storage_rejected') THEN
            'This image cannot be used, please generate it again'
        ELSE 'Download failed, click to retry'
    END AS message,
    status = 'failed' AND error_code NOT IN (
        'source_expired', 'source_not_found', 'source_blocked', 'source_rejected',
        'image_invalid', 'image_too_large', 'storage_rejected') AS can_retry,
    error_code, updated_at
FROM public.storyboards
"""
PROGRESS = PROGRESS_BEFORE.replace("updated_at\n", "updated_at, picture_url\n")

# Of a view that is made anew.
PROGRESS_RIGHTS = """
DO $body$
DECLARE
    grantee text;
BEGIN
    REVOKE ALL ON public.storyboard_progress FROM PUBLIC;
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboard_progress FROM ' || grantee;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        GRANT SELECT ON public.storyboard_progress TO service_role;
    END IF;
END
$body$
"""

# The second index key lets a pass go on within rows that were deleted by one statement.
ORPHANS = """
CREATE TABLE public.storyboard_orphans (
    public_id text PRIMARY KEY,
    orphaned_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    CONSTRAINT storyboard_orphans_reason_check CHECK (reason IN ('replaced', 'deleted'))
)
"""
ORPHANS_INDEX = """
CREATE INDEX storyboard_orphans_age_idx ON public.storyboard_orphans (orphaned_at, public_id)
"""

# With the rights of its owner, because roles that write rows may not write the list. No public id
# of Cloudinary is longer than 255 characters, and an index entry cannot hold a text of any length.
ORPHAN = """
CREATE OR REPLACE FUNCTION public.storyboards_orphan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $body$
BEGIN
    IF TG_OP <> 'INSERT' AND octet_length(OLD.picture_public_id) BETWEEN 1 AND 1020 THEN
        INSERT INTO public.storyboard_orphans (public_id, reason) VALUES (
            OLD.picture_public_id, CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE 'replaced' END)
        ON CONFLICT (public_id) DO UPDATE SET orphaned_at = now(), reason = excluded.reason;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        DELETE FROM public.storyboard_orphans WHERE public_id = NEW.picture_public_id;
    END IF;
    RETURN NULL;
END
$body$
"""
# The conditions begin with columns at the front of the row. A claim then costs nothing more, since
# to read a column at the end of a row means to walk over all before it.
TRIGGERS = [
    """
CREATE TRIGGER storyboards_orphan_insert AFTER INSERT ON public.storyboards
    FOR EACH ROW WHEN (NEW.picture_public_id IS NOT NULL)
    EXECUTE FUNCTION public.storyboards_orphan()
""",
    """
CREATE TRIGGER storyboards_orphan_update AFTER UPDATE ON public.storyboards
    FOR EACH ROW WHEN (NEW.status = 'ready'
        AND NEW.picture_public_id IS DISTINCT FROM OLD.picture_public_id)
    EXECUTE FUNCTION public.storyboards_orphan()
""",
    """
CREATE TRIGGER storyboards_orphan_delete AFTER DELETE ON public.storyboards
    FOR EACH ROW WHEN (OLD.picture_public_id IS NOT NULL)
    EXECUTE FUNCTION public.storyboards_orphan()
""",
]

# Older projects of Supabase grant rights on new tables and functions by default.
RIGHTS = """
DO $body$
DECLARE
    grantee text;
BEGIN
    ALTER TABLE public.storyboard_orphans ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON public.storyboard_orphans FROM PUBLIC;
    REVOKE ALL ON FUNCTION public.storyboards_orphan() FROM PUBLIC;
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboard_orphans FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_orphan() FROM ' || grantee;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        GRANT SELECT ON public.storyboard_orphans TO service_role;
    END IF;
END
$body$
"""

# The trigger fills the columns.
IS_BEHIND = "status = 'ready' AND picture_url IS NULL"
FILL = f"UPDATE public.storyboards SET picture_url = NULL WHERE {IS_BEHIND}"  # noqa: S608  our own constants


# A row that another client has locked, maybe for long, is left for the second pass. After that its
# next write fills it.
def fill_batch(pages: str) -> str:
    return f"""
WITH free AS MATERIALIZED (
    SELECT id FROM public.storyboards
    WHERE {pages} AND {IS_BEHIND}
    FOR UPDATE SKIP LOCKED
)
UPDATE public.storyboards SET picture_url = NULL
FROM free WHERE storyboards.id = free.id
"""  # noqa: S608  our own constants


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    op.execute(
        "-- Inserts and workers wait from here to the end: about a minute for a million rows.\n"
        "-- The command storyboard-worker migrate does the same, and nothing has to wait for it.\n"
        f"{COLUMNS.strip()}"
    )
    steps = [BEFORE_WRITE, FILL, PROGRESS, ORPHANS, ORPHANS_INDEX, ORPHAN, RIGHTS, *TRIGGERS]
    for statement in steps:
        op.execute(statement.strip())


def run_beside_others() -> None:
    for made in (ORPHANS, ORPHANS_INDEX):
        op.execute(re.sub("^CREATE (TABLE|INDEX)", r"CREATE \1 IF NOT EXISTS", made.strip()))
    for statement in (ORPHAN, RIGHTS):
        op.execute(statement.strip())
    online_ddl.add_column("public.storyboards", "picture_url", COLUMNS, *TRIGGERS)
    op.execute(BEFORE_WRITE.strip())
    online_ddl.add_column("public.storyboard_progress", "picture_url", PROGRESS)
    for _ in range(2):
        online_ddl.in_batches("public.storyboards", fill_batch)


# They read these columns, see storyboard_worker/database/live_rows.py.
SENDING = ("storyboards_send_insert", "storyboards_send_update")


def downgrade() -> None:
    for name in SENDING:
        op.execute(f"DROP TRIGGER IF EXISTS {name} ON public.storyboards")
    op.execute("DROP FUNCTION IF EXISTS public.storyboards_send()")
    op.execute("DROP VIEW public.storyboard_progress")
    op.execute(PROGRESS_BEFORE.strip())
    op.execute(PROGRESS_RIGHTS.strip())
    for name in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER storyboards_orphan_{name} ON public.storyboards")
    op.execute("DROP FUNCTION public.storyboards_orphan()")
    op.execute("DROP TABLE public.storyboard_orphans")
    op.execute(BEFORE_WRITE.replace(PICTURE_OF_OLD_ROWS, "\n").replace(PICTURE, "\n").strip())
    op.execute(
        "ALTER TABLE public.storyboards DROP COLUMN picture_url, DROP COLUMN picture_public_id"
    )
