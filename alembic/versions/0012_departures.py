"""Moments that do not go back, and what a row leaves behind at Cloudinary when it goes.

- A transaction may change a row that another one has changed since it began. ``now()`` is then
  earlier than that change. A page that keeps the newest state it has heard of would drop the later
  one.
- A picture is listed whenever its row gives it up, also when a producer clears it.
- Pictures of deleted rows are listed in one order, so that statements that delete rows with the
  same pictures do not wait for each other in a circle.
- A row that goes, or gets another image, during its attempt leaves an upload that may still be
  stored. It is noted in ``storyboard_departures`` until ``prune`` puts it on the list.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# As in 0010, except for the moments.
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
            -- A transaction that began before the last change waited for it. A moment far ahead
            -- comes from a restore, and does not stay.
            NEW.updated_at := greatest(now(), least(
                OLD.updated_at + interval '1 microsecond',
                clock_timestamp() + interval '1 minute'));
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
        IF TG_OP = 'UPDATE' AND OLD.status = 'processing' THEN
            NEW.copy_seconds := extract(epoch FROM NEW.updated_at - OLD.claimed_at);
        END IF;
    ELSE
        NEW.copy_seconds := NULL;
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
        NEW.finished_at := NEW.updated_at;
    END IF;
    RETURN NEW;
END
$body$
"""
# What differs from 0010.
UPDATED_AT = """
            -- A transaction that began before the last change waited for it. A moment far ahead
            -- comes from a restore, and does not stay.
            NEW.updated_at := greatest(now(), least(
                OLD.updated_at + interval '1 microsecond',
                clock_timestamp() + interval '1 minute'));
"""
MOMENTS_BEFORE = {
    UPDATED_AT: "\n            NEW.updated_at := now();\n",
    "NEW.finished_at := NEW.updated_at;": "NEW.finished_at := now();",
    "FROM NEW.updated_at - OLD": "FROM now() - OLD",
}

# Whose attempt may still store a picture. The public id begins with a folder that only the worker's
# settings know.
DEPARTURES = """
CREATE TABLE public.storyboard_departures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    storyboard_id uuid NOT NULL,
    source_digest text NOT NULL,
    departed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL,
    CONSTRAINT storyboard_departures_reason_check CHECK (reason IN ('replaced', 'deleted'))
)
"""
# As in storyboard_worker/storyboard.py. A database of SQL_ASCII may hold bytes that are no UTF-8,
# and its rows have to be deletable all the same.
DIGEST = """left(encode(sha256(convert_to(split_part({}source_url, '?', 1),
            CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII'
            ELSE 'UTF8' END)), 'hex'), 10)"""

# With the rights of their owner, because roles that write rows may not write these lists.
DELETED = f"""
CREATE OR REPLACE FUNCTION public.storyboards_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $body$
BEGIN
    INSERT INTO public.storyboard_departures (storyboard_id, source_digest, reason)
    SELECT id, {DIGEST.format("")}, 'deleted'
    FROM gone WHERE status = 'processing';
    INSERT INTO public.storyboard_orphans (public_id, reason)
    SELECT DISTINCT picture_public_id, 'deleted'
    FROM gone WHERE octet_length(picture_public_id) BETWEEN 1 AND 1020
    ORDER BY picture_public_id
    ON CONFLICT (public_id) DO UPDATE SET orphaned_at = now(), reason = excluded.reason;
    RETURN NULL;
END
$body$
"""  # noqa: S608  our own constants
DEPART = f"""
CREATE OR REPLACE FUNCTION public.storyboards_depart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $body$
BEGIN
    INSERT INTO public.storyboard_departures (storyboard_id, source_digest, reason)
    VALUES (OLD.id, {DIGEST.format("OLD.")}, 'replaced');
    RETURN NULL;
END
$body$
"""  # noqa: S608  our own constants
DROP_TRIGGERS = [
    "DROP TRIGGER storyboards_orphan_update ON public.storyboards",
    "DROP TRIGGER storyboards_orphan_delete ON public.storyboards",
]
# A claim changes no picture. Its cost stays what it was, because the condition ends at the status.
TRIGGERS = [
    """
CREATE TRIGGER storyboards_orphan_update AFTER UPDATE ON public.storyboards
    FOR EACH ROW WHEN ((NEW.status <> 'processing' OR OLD.status = 'processing')
        AND NEW.picture_public_id IS DISTINCT FROM OLD.picture_public_id)
    EXECUTE FUNCTION public.storyboards_orphan()
""",
    """
CREATE TRIGGER storyboards_orphan_delete AFTER DELETE ON public.storyboards
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.storyboards_deleted()
""",
    """
CREATE TRIGGER storyboards_depart AFTER UPDATE ON public.storyboards
    FOR EACH ROW WHEN (OLD.status = 'processing' AND NEW.source_url IS DISTINCT FROM OLD.source_url)
    EXECUTE FUNCTION public.storyboards_depart()
""",
]
# As in 0009.
TRIGGERS_BEFORE = [
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
ARE_CHANGED = """
SELECT FROM pg_catalog.pg_trigger
WHERE tgrelid = 'public.storyboards'::regclass AND tgname = 'storyboards_depart'
"""

# Older projects of Supabase grant rights on new tables and functions by default.
RIGHTS = """
DO $body$
DECLARE
    grantee text;
BEGIN
    ALTER TABLE public.storyboard_departures ENABLE ROW LEVEL SECURITY;
    FOR grantee IN
        SELECT 'PUBLIC' UNION ALL
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboard_departures FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON SEQUENCE public.storyboard_departures_id_seq FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_deleted() FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_depart() FROM ' || grantee;
    END LOOP;
END
$body$
"""


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    steps = [DEPARTURES, DELETED, DEPART, RIGHTS, *DROP_TRIGGERS, *TRIGGERS, BEFORE_WRITE]
    for statement in steps:
        op.execute(statement.strip())


def run_beside_others() -> None:
    op.execute(DEPARTURES.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").strip())
    for statement in (DELETED, DEPART, RIGHTS):
        op.execute(statement.strip())
    online_ddl.in_a_moment("public.storyboards", ARE_CHANGED, [*DROP_TRIGGERS, *TRIGGERS])
    op.execute(BEFORE_WRITE.strip())


def downgrade() -> None:
    before = BEFORE_WRITE
    for now, then in MOMENTS_BEFORE.items():
        before = before.replace(now, then)
    op.execute(before.strip())
    for statement in (*DROP_TRIGGERS, *TRIGGERS_BEFORE):
        op.execute(statement.strip())
    op.execute("DROP TRIGGER storyboards_depart ON public.storyboards")
    op.execute("DROP FUNCTION public.storyboards_depart()")
    op.execute("DROP FUNCTION public.storyboards_deleted()")
    op.execute("DROP TABLE public.storyboard_departures")
