"""The expiry of every kind of signed link, and a rank for links whose expiry is unknown.

Links of Azure, Alibaba, Huawei, Tencent and others counted as living for ever, so links that die in
an hour waited behind links that live a day. The database now reads more kinds. A link that it
cannot read is ranked as if it died a day after it was set: ``effective_expires_at``.

Workers use the table, of maybe a million rows, while this runs. So no step takes a lock for long:
the column needs no rewrite, rows are filled in batches, and indexes are built concurrently. Each
step may be interrupted and run again. Printed SQL is one transaction, which cannot build an index
concurrently.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Azure: https://learn.microsoft.com/rest/api/storageservices/create-service-sas. Tencent:
# https://cloud.tencent.com/document/product/436/7778. Alibaba's V4 is like Amazon's. A URL
# with the same name twice counts as nonsense, because each store reads it in its own way.
SOURCE_EXPIRY = r"""
CREATE OR REPLACE FUNCTION public.storyboard_source_expiry(url text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT SET search_path = '' AS $body$
DECLARE
    address text := split_part(url, '#', 1);
    query text := substr(address, nullif(strpos(address, '?'), 0) + 1);
    given jsonb;
    vendor text;
    signed_at text;
    seconds text;
    moment text[];
    expiry timestamptz;
BEGIN
    IF query IS NULL THEN
        RETURN NULL;
    END IF;
    -- No value that is read has a hundred characters; signatures only have to be there.
    SELECT jsonb_object_agg(name, CASE
        WHEN name IN ('se', 'q-sign-time') AND strpos(value, '%') > 0 THEN (
            SELECT string_agg(coalesce(chr(get_byte(decode(sign[1], 'hex'), 0)), sign[2]), '')
            FROM regexp_matches(left(value, 100), '%([2-7][0-9A-Fa-f])|(.)', 'g') AS sign)
        ELSE left(value, 100) END)
    INTO given
    FROM (
        SELECT lower(split_part(part, '=', 1) COLLATE pg_catalog."C") AS name,
               substr(part, strpos(part, '=') + 1) AS value
        FROM unnest(string_to_array(query, '&')) AS part
    ) AS parts
    WHERE name IN ('x-tos-date', 'x-tos-expires', 'x-amz-date', 'x-amz-expires',
                   'x-goog-date', 'x-goog-expires', 'x-oss-date', 'x-oss-expires', 'se', 'sig',
                   'expires', 'signature', 'q-sign-time', 'x-expires', 'x-signature')
    HAVING count(*) = count(DISTINCT name);
    FOREACH vendor IN ARRAY ARRAY['x-tos', 'x-amz', 'x-goog', 'x-oss'] LOOP
        signed_at := substring(given ->> (vendor || '-date') FROM '^[0-9]{8}T[0-9]{6}Z$');
        seconds := substring(given ->> (vendor || '-expires') FROM '^[0-9]{1,9}$');
        -- A date before 1970 is nonsense, whatever is added to it.
        IF left(signed_at, 4) >= '1970' AND seconds IS NOT NULL THEN
            expiry := make_timestamptz(
                substr(signed_at, 1, 4)::int, substr(signed_at, 5, 2)::int,
                substr(signed_at, 7, 2)::int, substr(signed_at, 10, 2)::int,
                substr(signed_at, 12, 2)::int, substr(signed_at, 14, 2)::int, 'UTC'
            ) + make_interval(secs => seconds::int);
            EXIT;
        END IF;
    END LOOP;
    IF expiry IS NULL AND given ? 'se' AND given ? 'sig' THEN
        moment := regexp_match(given ->> 'se',
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})' ||
            '(T([0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?)(Z|[+-][0-9]{2}:[0-9]{2})?)?$');
        expiry := (moment[1] || 'T' || coalesce(moment[3], '00:00')
                   || coalesce(moment[6], 'Z'))::timestamptz;
    END IF;
    IF expiry IS NULL THEN
        seconds := coalesce(
            CASE WHEN given ? 'signature' THEN
                substring(given ->> 'expires' FROM '^[0-9]{1,12}$') END,
            substring(given ->> 'q-sign-time' FROM '^[0-9]{1,12};([0-9]{1,12})$'),
            CASE WHEN given ? 'x-signature' THEN
                substring(given ->> 'x-expires' FROM '^[0-9]{1,12}$') END);
        expiry := to_timestamp(seconds::bigint);
    END IF;
    -- Another one would be refused by the table, and the row with it.
    RETURN CASE WHEN expiry >= '1970-01-01 00:00+00' AND expiry < '9999-01-01 00:00+00'
        THEN expiry END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$body$
"""

# As in 0004.
SOURCE_EXPIRY_BEFORE = r"""
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

# In hours, because a day may have 23 or 25 of them in the time zone of a session.
A_DAY = "interval '24 hours'"

# With the default no row is null, even where triggers are off. Rows that are there count as if
# their links were set now. One default for all of them needs no rewrite of the table.
COLUMN = f"""
ALTER TABLE public.storyboards
    ADD COLUMN effective_expires_at timestamptz NOT NULL DEFAULT (now() + {A_DAY})
"""


def effective(row: str) -> str:
    return (
        f"coalesce({row}source_expires_at,\n"
        f"        coalesce({row}source_set_at, {row}created_at) + {A_DAY})"
    )


FUNCTION = f"""
CREATE OR REPLACE FUNCTION public.storyboards_effective_expiry() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $body$
BEGIN
    NEW.effective_expires_at := {effective("NEW.")};
    RETURN NEW;
END
$body$
"""
# Triggers run in the order of their names, so this one runs after storyboards_before_write, which
# fills the columns that it reads. updated_at then stays as it is, since this changes nothing that a
# producer sees. The condition saves most updates the call.
TRIGGER = f"""
CREATE TRIGGER storyboards_effective_expiry BEFORE INSERT OR UPDATE ON public.storyboards
    FOR EACH ROW WHEN (NEW.effective_expires_at IS DISTINCT FROM {effective("NEW.")})
    EXECUTE FUNCTION public.storyboards_effective_expiry()
"""
# Older projects of Supabase grant rights on new functions by default.
RIGHTS = """
DO $body$
DECLARE
    grantee text;
BEGIN
    REVOKE ALL ON FUNCTION public.storyboards_effective_expiry() FROM PUBLIC;
    FOR grantee IN
        SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    LOOP
        EXECUTE 'REVOKE ALL ON FUNCTION public.storyboards_effective_expiry() FROM ' || grantee;
    END LOOP;
END
$body$
"""

# The trigger fills effective_expires_at. A link of unknown expiry may be readable now. Rows that
# are processing are left out: their workers would have to wait, and write them soon anyway.
READ_AGAIN = "coalesce(source_expires_at, public.storyboard_source_expiry(source_url))"
IS_BEHIND = f"""status = 'pending'
    AND (source_expires_at IS DISTINCT FROM {READ_AGAIN}
        OR effective_expires_at IS DISTINCT FROM {effective("")})"""
FILL = f"""
UPDATE public.storyboards SET source_expires_at = {READ_AGAIN}
WHERE {IS_BEHIND}
"""  # noqa: S608  our own constants


# Rows that other clients have locked, maybe for long, are left for the second pass.
def fill_batch(pages: str) -> str:
    return f"""
WITH free AS MATERIALIZED (
    SELECT id FROM public.storyboards
    WHERE {pages} AND {IS_BEHIND}
    FOR UPDATE SKIP LOCKED
)
UPDATE public.storyboards SET source_expires_at = {READ_AGAIN}
FROM free WHERE storyboards.id = free.id
"""  # noqa: S608  our own constants


# The order of urgency. The last column lets a claim pass over dead links without a visit to the
# table.
KEY = """
    ((-priority::integer), effective_expires_at, available_at, id,
     (COALESCE(source_expires_at, 'infinity')))"""
INDEXES = {
    "storyboards_claim": "status = 'pending'",
    "storyboards_tried": "status = 'pending' AND attempts > 0 AND workers_lost = 0",
    "storyboards_lost": "status = 'pending' AND workers_lost > 0",
}
# Before this migration there was no other index of these.
CLAIM_INDEX_BEFORE = """
CREATE INDEX storyboards_claim_idx ON public.storyboards
    ((-priority::integer), (COALESCE(source_expires_at, 'infinity')), available_at, id)
    WHERE status = 'pending'
"""


# Workers of the version before need the old indexes until their deployment ends. Without them each
# claim sorts the whole backlog. `doctor` reports indexes that are left.
WORKERS_ALIVE = """
SELECT count(*) FROM public.storyboard_workers WHERE last_seen_at > now() - interval '5 minutes'
"""


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    op.execute(
        "-- Inserts and workers wait from here to the end: about a minute for a million rows.\n"
        "-- The command storyboard-worker migrate does the same, and nothing has to wait for it.\n"
        f"{COLUMN.strip()}"
    )
    for statement in [SOURCE_EXPIRY, FUNCTION, RIGHTS, TRIGGER, FILL]:
        op.execute(statement.strip())
    op.execute("DROP INDEX public.storyboards_claim_idx")
    for name in INDEXES:
        op.execute(f"CREATE INDEX {name}_idx ON {definition(name)}")


def run_beside_others() -> None:
    for statement in [SOURCE_EXPIRY, FUNCTION, RIGHTS]:
        op.execute(statement.strip())
    online_ddl.add_column("public.storyboards", "effective_expires_at", COLUMN, TRIGGER)
    fill()
    left = [name for name in INDEXES if not is_rebuilt(name)]
    for name in left:
        online_ddl.build_index(f"{name}_new_idx", definition(name))
    fill()
    is_used = bool(online_ddl.found(WORKERS_ALIVE))
    for name in left:
        replace_beside_others(name, is_used=is_used)


def fill() -> None:
    # Rows added to the table from now on are filled by the trigger.
    online_ddl.in_batches("public.storyboards", fill_batch)


def is_rebuilt(name: str) -> bool:
    return bool(
        online_ddl.found(
            "SELECT count(*) FROM pg_catalog.pg_index WHERE indisvalid "  # noqa: S608  our own names
            f"AND indexrelid = to_regclass('public.{name}_idx') "
            "AND strpos(pg_get_indexdef(indexrelid), 'effective_expires_at') > 0"
        )
    )


def replace_beside_others(name: str, *, is_used: bool) -> None:
    if is_used:
        op.execute(f"ALTER INDEX IF EXISTS public.{name}_idx RENAME TO {name}_old_idx")
    else:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{name}_idx")
    op.execute(f"ALTER INDEX public.{name}_new_idx RENAME TO {name}_idx")


def definition(name: str) -> str:
    return f"public.storyboards{KEY}\n    WHERE {INDEXES[name]}"


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS public.{name}_old_idx")
        op.execute(f"DROP INDEX public.{name}_idx")
    op.execute(CLAIM_INDEX_BEFORE.strip())
    op.execute("DROP TRIGGER storyboards_effective_expiry ON public.storyboards")
    op.execute("DROP FUNCTION public.storyboards_effective_expiry()")
    op.execute("ALTER TABLE public.storyboards DROP COLUMN effective_expires_at")
    op.execute(SOURCE_EXPIRY_BEFORE.strip())
