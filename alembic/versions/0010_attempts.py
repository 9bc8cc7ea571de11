"""The history of failed attempts, and how long the copy of a ready picture took.

A row keeps its last error only, and none once it is ready. A page that shows the life of a panel
needs the errors before. A claim that ends well writes no history.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMN = "ALTER TABLE public.storyboards ADD COLUMN copy_seconds double precision"

# As in 0009, except for copy_seconds.
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
        IF TG_OP = 'UPDATE' AND OLD.status = 'processing' THEN
            NEW.copy_seconds := extract(epoch FROM now() - OLD.claimed_at);
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
        NEW.finished_at := now();
    END IF;
    RETURN NEW;
END
$body$
"""
# What this migration adds to the function.
COPY_SECONDS = """
        IF TG_OP = 'UPDATE' AND OLD.status = 'processing' THEN
            NEW.copy_seconds := extract(epoch FROM now() - OLD.claimed_at);
        END IF;
    ELSE
        NEW.copy_seconds := NULL;
"""

# The rows of the table come and go in the order of their ids, so upkeep needs no other index.
# Its columns take whatever the row may hold: to note an attempt must never make its end fail. A
# foreign key would make TRUNCATE of the rows fail, so triggers forget what belongs to no row.
ATTEMPTS = """
CREATE TABLE public.storyboard_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    storyboard_id uuid NOT NULL,
    attempt integer NOT NULL,
    began_at timestamptz,
    ended_at timestamptz NOT NULL DEFAULT now(),
    worker_id text,
    error_code text,
    error_message text,
    sentry_event_id text
)
"""
INDEX = """
CREATE INDEX storyboard_attempts_storyboard_idx ON public.storyboard_attempts (storyboard_id, id)
"""

# With the rights of its owner, because roles that write rows may not write the history. A row that
# lost its worker has no error of its own yet.
NOTE = """
CREATE OR REPLACE FUNCTION public.storyboards_note_attempt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $body$
DECLARE
    lost boolean := NEW.workers_lost > OLD.workers_lost;
BEGIN
    INSERT INTO public.storyboard_attempts (
        storyboard_id, attempt, began_at, worker_id, error_code, error_message, sentry_event_id)
    VALUES (
        NEW.id, OLD.attempts, OLD.claimed_at, OLD.claimed_by,
        CASE WHEN lost THEN 'worker_lost' ELSE NEW.error_code END,
        CASE WHEN lost THEN 'the worker vanished' ELSE NEW.error_message END,
        CASE WHEN NOT lost THEN NEW.sentry_event_id END);
    RETURN NULL;
END
$body$
"""
# Fifty attempts tell the story. In an outage of a day a row may make three times as many.
TRIGGER = """
CREATE TRIGGER storyboards_note_attempt AFTER UPDATE ON public.storyboards
    FOR EACH ROW WHEN (
        OLD.status = 'processing' AND NEW.status IN ('pending', 'failed') AND OLD.attempts <= 50
        AND (NEW.workers_lost > OLD.workers_lost
             OR (NEW.error_code IS NOT NULL AND NEW.errored_at IS DISTINCT FROM OLD.errored_at)))
    EXECUTE FUNCTION public.storyboards_note_attempt()
"""
FORGET = """
CREATE OR REPLACE FUNCTION public.storyboards_forget_attempts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $body$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE public.storyboard_attempts;
    ELSE
        DELETE FROM public.storyboard_attempts USING gone WHERE storyboard_id = gone.id;
    END IF;
    RETURN NULL;
END
$body$
"""
FORGET_TRIGGERS = [
    """
CREATE TRIGGER storyboards_forget_deleted AFTER DELETE ON public.storyboards
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.storyboards_forget_attempts()
""",
    """
CREATE TRIGGER storyboards_forget_truncated AFTER TRUNCATE ON public.storyboards
    FOR EACH STATEMENT EXECUTE FUNCTION public.storyboards_forget_attempts()
""",
]

# Older projects of Supabase grant rights on new tables and functions by default.
RIGHTS = """
DO $body$
DECLARE
    grantee text;
BEGIN
    ALTER TABLE public.storyboard_attempts ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON public.storyboard_attempts FROM PUBLIC;
    REVOKE ALL ON SEQUENCE public.storyboard_attempts_id_seq FROM PUBLIC;
    REVOKE ALL ON FUNCTION public.storyboards_note_attempt() FROM PUBLIC;
    REVOKE ALL ON FUNCTION public.storyboards_forget_attempts() FROM PUBLIC;
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboard_attempts FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON SEQUENCE public.storyboard_attempts_id_seq FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_note_attempt() FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_forget_attempts() FROM ' || grantee;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        GRANT SELECT ON public.storyboard_attempts TO service_role;
    END IF;
END
$body$
"""

CHANGES = (ATTEMPTS, INDEX, TRIGGER, *FORGET_TRIGGERS)


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    for statement in (NOTE, FORGET, COLUMN, *CHANGES, RIGHTS, BEFORE_WRITE):
        op.execute(statement.strip())


def run_beside_others() -> None:
    for statement in (NOTE, FORGET):
        op.execute(statement.strip())
    # The triggers need the table for a moment, as the column does.
    online_ddl.add_column("public.storyboards", "copy_seconds", COLUMN, *CHANGES)
    for statement in (RIGHTS, BEFORE_WRITE):
        op.execute(statement.strip())


def downgrade() -> None:
    op.execute(BEFORE_WRITE.replace(COPY_SECONDS, "\n").strip())
    for trigger in ("note_attempt", "forget_deleted", "forget_truncated"):
        op.execute(f"DROP TRIGGER storyboards_{trigger} ON public.storyboards")
    op.execute("DROP FUNCTION public.storyboards_note_attempt()")
    op.execute("DROP FUNCTION public.storyboards_forget_attempts()")
    op.execute("DROP TABLE public.storyboard_attempts")
    op.execute("ALTER TABLE public.storyboards DROP COLUMN copy_seconds")
