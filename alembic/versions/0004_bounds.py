"""Bounds for numbers and moments, and a finished_at that a restore may set.

One row must not make statements for many rows fail. An ``attempts`` at the integer's end made
every claim fail, since a claim adds one to it. Python has no year before 1 or after 9999, and
before Postgres 17 arithmetic has no infinite moment.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Far beyond what any worker counts to, and far from the integer's end.
MOST_ATTEMPTS = 1_000_000_000
EARLIEST = "'1970-01-01 00:00+00'"
LATEST = "'9998-12-31 23:59:59.999999+00'"
TOO_LATE = "'9999-01-01 00:00+00'"

MOMENTS = (
    *("available_at", "source_expires_at", "claimed_at", "lease_expires_at", "errored_at"),
    *("created_at", "updated_at", "finished_at"),
)
WORKER_MOMENTS = ("started_at", "last_seen_at")


def within(moments: tuple[str, ...]) -> str:
    """LEAST and GREATEST ignore nulls, and one of the columns is never null."""
    columns = ", ".join(moments)
    return f"LEAST({columns}) >= {EARLIEST}\n    AND GREATEST({columns}) < {TOO_LATE}"


def clamped(moments: tuple[str, ...]) -> str:
    """CASE instead of LEAST and GREATEST, which would replace nulls."""
    return ",\n    ".join(
        f"{moment} = CASE WHEN {moment} < {EARLIEST} THEN {EARLIEST}\n"
        f"        WHEN {moment} >= {TOO_LATE} THEN {LATEST} ELSE {moment} END"
        for moment in moments
    )


# max_attempts has no bound: it is only compared, and the largest integer may mean «no limit».
BOUNDS = f"""attempts <= {MOST_ATTEMPTS}
    AND {within(MOMENTS)}"""
WORKER_BOUNDS = within(WORKER_MOMENTS)

CLAMP = f"""
UPDATE public.storyboards SET
    attempts = LEAST(attempts, {MOST_ATTEMPTS}),
    {clamped(MOMENTS)}
WHERE NOT ({BOUNDS})
"""  # noqa: S608  our own constants
CLAMP_WORKERS = f"""
UPDATE public.storyboard_workers SET
    {clamped(WORKER_MOMENTS)}
WHERE NOT ({WORKER_BOUNDS})
"""  # noqa: S608  our own constants

# NOT VALID: to validate the rows that are there would read the whole table once more and block
# readers for that time. CLAMP has just corrected these rows, and later writes are checked anyway.
BOUND = f"""
ALTER TABLE public.storyboards ADD CONSTRAINT storyboards_bounds_check
    CHECK ({BOUNDS}) NOT VALID
"""
BOUND_WORKERS = f"""
ALTER TABLE public.storyboard_workers ADD CONSTRAINT storyboard_workers_bounds_check
    CHECK ({WORKER_BOUNDS}) NOT VALID
"""

# As in 0001, except that a date before 1970 gives no expiry.
SOURCE_EXPIRY = r"""
CREATE OR REPLACE FUNCTION public.storyboard_source_expiry(url text) RETURNS timestamptz
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
            -- Another one would be refused by the table, and the row with it.
            RETURN CASE WHEN left(signed_at, 4) >= '1970'
                AND expiry < '9999-01-01 00:00+00' THEN expiry END;
        END IF;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN datetime_field_overflow OR invalid_parameter_value THEN
    RETURN NULL;
END
$body$
"""

# As in 0001, except for the bound of attempts and the finished_at of an insert.
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

# The new parts of the functions, and the parts of 0001 that they replace.
AS_IN_0001 = {
    """
            -- Another one would be refused by the table, and the row with it.
            RETURN CASE WHEN left(signed_at, 4) >= '1970'
                AND expiry < '9999-01-01 00:00+00' THEN expiry END;
""": """
            -- A later one would be refused by the table, and the row with it.
            RETURN CASE WHEN expiry < '9999-01-01 00:00+00' THEN expiry END;
""",
    """
        IF OLD.status = 'pending' AND NEW.status = 'processing' THEN
            -- A claim of many rows must not fail for the one that has reached the bound.
            NEW.attempts := least(NEW.attempts, 1000000000);
        END IF;
""": "\n",
    """
    ELSIF TG_OP = 'INSERT' THEN
        -- What a restore brings along stays.
        NEW.finished_at := coalesce(NEW.finished_at, now());
    ELSIF NEW.status <> OLD.status THEN
""": """
    ELSIF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
""",
}

# The steps of printed SQL, which is one transaction. The slow look at every row comes first, while
# other clients can read and write. A new constraint locks the table until the end, so the steps
# after it must be short. They correct only rows written in between that workers still touch, which
# partial indexes find.
CLAMP_UNFINISHED = f"{CLAMP.rstrip()} AND (status = 'pending' OR status = 'processing')"
STEPS = [
    *(SOURCE_EXPIRY, BEFORE_WRITE),
    *(CLAMP, BOUND, CLAMP_UNFINISHED),
    *(BOUND_WORKERS, CLAMP_WORKERS),
]


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    for statement in STEPS:
        op.execute(statement.strip())


def run_beside_others() -> None:
    for function in (SOURCE_EXPIRY, BEFORE_WRITE):
        op.execute(function.strip())
    for table, bound, clamp in (
        ("storyboards", BOUND, CLAMP),
        ("storyboard_workers", BOUND_WORKERS, CLAMP_WORKERS),
    ):
        online_ddl.add_check(f"public.{table}", f"{table}_bounds_check", bound, clamp)


def downgrade() -> None:
    for table in ("storyboard_workers", "storyboards"):
        op.execute(f"ALTER TABLE public.{table} DROP CONSTRAINT {table}_bounds_check")
    for function in (BEFORE_WRITE, SOURCE_EXPIRY):
        op.execute(as_in_0001(function).strip())


def as_in_0001(function: str) -> str:
    for new, old in AS_IN_0001.items():
        function = function.replace(new, old)
    return function
