"""A row's history: errors of its own, workers lost with it, and when its link was set.

A row waits for the end of an outage until its link dies, so attempts in an outage must not count
as the row's own errors. Rows whose attempts failed, and rows that were lost with a worker, have
indexes of their own in the order of the claim index. So a claim finds them, or passes over them,
however many other rows there are, and a new row costs no more than before. 0008 builds the
indexes, since it changes that order.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE public.storyboards
    ADD COLUMN own_errors integer NOT NULL DEFAULT 0,
    ADD COLUMN workers_lost integer NOT NULL DEFAULT 0,
    ADD COLUMN source_set_at timestamptz
"""

# The counts grow by one at a time and never come near the integer's end.
BOUND = """
ALTER TABLE public.storyboards ADD CONSTRAINT storyboards_suspects_check
    CHECK (own_errors BETWEEN 0 AND 1000000000 AND workers_lost BETWEEN 0 AND 1000000000
    AND source_set_at >= '1970-01-01 00:00+00' AND source_set_at < '9999-01-01 00:00+00') NOT VALID
"""

# As in 0004, except for the history of a row.
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

SINCE_WHEN = """
    IF new_source OR restarted THEN
        -- A link of unknown expiry is taken to live for a day from here.
        NEW.source_set_at := CASE TG_OP WHEN 'INSERT' THEN coalesce(NEW.source_set_at, now())
            ELSE now() END;
    END IF;
"""
AFRESH = """
        NEW.own_errors := 0;
        NEW.workers_lost := 0;
"""


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    for statement in [COLUMNS, BOUND, BEFORE_WRITE]:
        op.execute(statement.strip())


def run_beside_others() -> None:
    # The bound comes with its columns, so no row can break it.
    online_ddl.add_column("public.storyboards", "source_set_at", COLUMNS, BOUND)
    op.execute(BEFORE_WRITE.strip())


def downgrade() -> None:
    op.execute(BEFORE_WRITE.replace(SINCE_WHEN, "\n").replace(AFRESH, "\n").strip())
    op.execute(
        "ALTER TABLE public.storyboards DROP CONSTRAINT storyboards_suspects_check, "
        "DROP COLUMN own_errors, DROP COLUMN workers_lost, DROP COLUMN source_set_at"
    )
