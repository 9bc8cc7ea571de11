"""The tables storyboards and storyboard_workers, their triggers, view and rights.

Plain SQL, because most of it (triggers, view, rights, storage settings) has no other form, and
because people who paste it into Supabase then read what they run.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STORYBOARDS = """
CREATE TABLE public.storyboards (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id text,
    position integer,
    source_url text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    priority smallint NOT NULL DEFAULT 0,
    available_at timestamptz NOT NULL DEFAULT now(),
    source_expires_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer,
    claim_token uuid,
    claimed_by text,
    claimed_at timestamptz,
    lease_expires_at timestamptz,
    cdn_url text,
    public_id text,
    asset_id text,
    format text,
    width integer,
    height integer,
    bytes bigint,
    etag text,
    error_code text,
    error_message text,
    errored_at timestamptz,
    sentry_event_id text,
    sentry_trace text,
    baggage text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT storyboards_source_url_check
        CHECK (source_url ~* '^https?://[^/?#[:space:]]+[^[:space:]]*$'),
    CONSTRAINT storyboards_status_check
        CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
    CONSTRAINT storyboards_attempts_check
        CHECK (attempts >= 0 AND max_attempts >= 1),
    -- Clients' languages, and arithmetic before Postgres 17, know no infinite moments.
    CONSTRAINT storyboards_moments_check
        CHECK (available_at > '-infinity' AND available_at < '9999-01-01 00:00+00'
               AND source_expires_at > '-infinity' AND source_expires_at < '9999-01-01 00:00+00'
               AND isfinite(created_at) AND isfinite(errored_at)),
    CONSTRAINT storyboards_claim_check
        CHECK (num_nonnulls(claim_token, claimed_by, claimed_at, lease_expires_at)
               = CASE WHEN status = 'processing' THEN 4 ELSE 0 END),
    CONSTRAINT storyboards_outcome_check
        CHECK (CASE WHEN status = 'ready' THEN cdn_url IS NOT NULL
               ELSE num_nonnulls(cdn_url, public_id, asset_id, format,
                                 width, height, bytes, etag) = 0 END),
    CONSTRAINT storyboards_error_check
        CHECK (CASE status
               WHEN 'ready' THEN num_nonnulls(error_code, error_message,
                                              errored_at, sentry_event_id) = 0
               WHEN 'failed' THEN num_nonnulls(error_code, errored_at) = 2
               ELSE true END),
    CONSTRAINT storyboards_finished_check
        CHECK ((finished_at IS NOT NULL) = (status IN ('ready', 'failed')))
)
-- Room on each page for the three updates of a row's life, and a vacuum that comes by the
-- number of changed rows rather than by a share of a table that only grows.
WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_analyze_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
)
"""

# available_at is in the claim index, so that waiting rows are skipped without a visit to the
# table. lease_expires_at is in no index, so that renewing a lease is a cheap in-page (HOT)
# update.
INDEXES = [
    """
CREATE INDEX storyboards_claim_idx ON public.storyboards
    (priority DESC, source_expires_at, available_at) WHERE status = 'pending'
""",
    """
CREATE INDEX storyboards_processing_idx ON public.storyboards
    (claimed_at) WHERE status = 'processing'
""",
    """
CREATE INDEX storyboards_ready_idx ON public.storyboards
    (finished_at) WHERE status = 'ready'
""",
    """
CREATE INDEX storyboards_failed_idx ON public.storyboards
    (errored_at) WHERE status = 'failed'
""",
    """
CREATE INDEX storyboards_project_idx ON public.storyboards
    (project_id, position) WHERE project_id IS NOT NULL
""",
]

WORKERS = """
CREATE TABLE public.storyboard_workers (
    worker_id text PRIMARY KEY,
    hostname text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'running',
    concurrency integer NOT NULL,
    in_flight integer NOT NULL DEFAULT 0,
    paused jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT storyboard_workers_state_check CHECK (state IN ('running', 'draining'))
)
WITH (fillfactor = 50)
"""

# The expiry that a signed URL states: <vendor>-Date plus <vendor>-Expires seconds, UTC.
# TOS: https://docs.byteplus.com/en/docs/tos (query-string signature); AWS: SigV4 query
# string; Google: V4 signed URLs. A URL that states nonsense gets no expiry, because to refuse
# the row would lose an image.
SOURCE_EXPIRY = r"""
CREATE FUNCTION public.storyboard_source_expiry(url text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT SET search_path = '' AS $body$
DECLARE
    query text := substring(split_part(url, '#', 1) FROM '[?].*');
    vendor text;
    signed_at text;
    lifetime text;
    expiry timestamptz;
BEGIN
    FOREACH vendor IN ARRAY ARRAY['Tos', 'Amz', 'Goog'] LOOP
        signed_at := substring(query FROM
            '(?i)[?&]X-' || vendor || '-Date=([0-9]{8}T[0-9]{6}Z)(?=&|$)');
        lifetime := substring(query FROM
            '(?i)[?&]X-' || vendor || '-Expires=([0-9]{1,9})(?=&|$)');
        IF signed_at IS NOT NULL AND lifetime IS NOT NULL THEN
            expiry := make_timestamptz(
                substr(signed_at, 1, 4)::int, substr(signed_at, 5, 2)::int,
                substr(signed_at, 7, 2)::int, substr(signed_at, 10, 2)::int,
                substr(signed_at, 12, 2)::int, substr(signed_at, 14, 2)::int, 'UTC'
            ) + make_interval(secs => lifetime::int);
            -- A later one would be refused by the table, and the row with it.
            RETURN CASE WHEN expiry < '9999-01-01 00:00+00' THEN expiry END;
        END IF;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN datetime_field_overflow OR invalid_parameter_value THEN
    RETURN NULL;
END
$body$
"""

# Producers in any language may rely on this trigger. A worker that sets a row back to pending
# (another attempt, release, rescue) clears the claim token in the same statement. A producer only
# sets 'pending', and the row then starts afresh.
BEFORE_WRITE = """
CREATE FUNCTION public.storyboards_before_write() RETURNS trigger
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
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.updated_at := now();
        END IF;
    END IF;
    IF new_source AND NEW.source_expires_at IS NULL THEN
        NEW.source_expires_at := public.storyboard_source_expiry(NEW.source_url);
    END IF;
    IF restarted THEN
        NEW.status := 'pending';
        NEW.attempts := 0;
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
    ELSIF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
        NEW.finished_at := now();
    END IF;
    RETURN NEW;
END
$body$
"""

NOTIFY = """
CREATE FUNCTION public.storyboards_notify() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $body$
BEGIN
    PERFORM pg_notify('storyboards', '');
    RETURN NULL;
END
$body$
"""

# clock_timestamp(): a row dated within its own transaction is due by the time it commits.
TRIGGERS = [
    """
CREATE TRIGGER storyboards_before_write BEFORE INSERT OR UPDATE ON public.storyboards
    FOR EACH ROW EXECUTE FUNCTION public.storyboards_before_write()
""",
    """
CREATE TRIGGER storyboards_notify_insert AFTER INSERT ON public.storyboards
    FOR EACH ROW WHEN (NEW.status = 'pending' AND NEW.available_at <= clock_timestamp())
    EXECUTE FUNCTION public.storyboards_notify()
""",
    """
CREATE TRIGGER storyboards_notify_update AFTER UPDATE ON public.storyboards
    FOR EACH ROW WHEN (
        NEW.status = 'pending' AND NEW.available_at <= clock_timestamp()
        AND (NEW.status, NEW.available_at, NEW.source_expires_at, NEW.source_url)
            IS DISTINCT FROM
            (OLD.status, OLD.available_at, OLD.source_expires_at, OLD.source_url))
    EXECUTE FUNCTION public.storyboards_notify()
""",
]

PROGRESS = """
CREATE VIEW public.storyboard_progress WITH (security_invoker = true) AS
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

# Row-level security without a policy hides the rows from all but the owner and roles that
# bypass it (service_role). Rights are granted by name, because new tables in Supabase have none
# and those of older projects have too many.
RIGHTS = [
    "ALTER TABLE public.storyboards ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE public.storyboard_workers ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE public.storyboard_worker_version ENABLE ROW LEVEL SECURITY",
    """
REVOKE ALL ON public.storyboards, public.storyboard_workers, public.storyboard_progress,
    public.storyboard_worker_version FROM PUBLIC
""",
    """
REVOKE ALL ON FUNCTION public.storyboard_source_expiry(text),
    public.storyboards_before_write(), public.storyboards_notify() FROM PUBLIC
""",
    """
DO $body$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON public.storyboards, public.storyboard_workers, '
            'public.storyboard_progress, public.storyboard_worker_version FROM ' || grantee;
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboard_source_expiry(text), '
            'public.storyboards_before_write(), public.storyboards_notify() FROM ' || grantee;
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON public.storyboards TO service_role;
        GRANT SELECT ON public.storyboard_progress, public.storyboard_workers TO service_role;
        GRANT EXECUTE ON FUNCTION public.storyboard_source_expiry(text) TO service_role;
    END IF;
END
$body$
""",
]


def upgrade() -> None:
    statements = [STORYBOARDS, *INDEXES, WORKERS, SOURCE_EXPIRY, BEFORE_WRITE, NOTIFY]
    for statement in [*statements, *TRIGGERS, PROGRESS, *RIGHTS]:
        op.execute(statement.strip())


def downgrade() -> None:
    op.execute("DROP VIEW public.storyboard_progress")
    op.execute("DROP TABLE public.storyboard_workers")
    op.execute("DROP TABLE public.storyboards")
    op.execute("DROP FUNCTION public.storyboards_notify()")
    op.execute("DROP FUNCTION public.storyboards_before_write()")
    op.execute("DROP FUNCTION public.storyboard_source_expiry(text)")
