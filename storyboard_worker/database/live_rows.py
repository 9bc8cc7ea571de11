"""Sends rows that change to Supabase's Realtime, where that is there.

Realtime comes with a project of Supabase, or later, or never. So the triggers are no part of the
migrations: each run of them looks whether ``realtime.send`` exists, and makes what is missing.

A message holds what the view shows and nothing else. ``realtime.broadcast_changes`` would send the
whole row, with its signed URL.
"""

import hashlib
from textwrap import indent

from alembic import op
from storyboard_worker.database import online_ddl

TABLE = "public.storyboards"
TRIGGERS = ("storyboards_send_insert", "storyboards_send_update")

HAS_REALTIME = """
EXISTS (
    SELECT FROM pg_catalog.pg_proc JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pronamespace
    WHERE nspname = 'realtime' AND proname = 'send'
    AND oidvectortypes(proargtypes) = 'jsonb, text, text, boolean')
"""

# Realtime may lock its messages for long, to change their table. This is how long a statement waits
# for that. A row for which Realtime is slow, for whatever reason, is the last that a transaction
# sends: many such rows would make a statement take minutes.
LOCK_WAIT = "500ms"
SLOW = "250ms"
IS_SLOW = "storyboard_worker.realtime_is_slow"

# The rights of its owner let it call realtime.send for a role that may not. The block undoes what a
# fault has begun, and the statement of the producer or worker goes on. OTHERS leaves out a failed
# ASSERT. It also leaves out a cancelled query, because a person or statement_timeout has to be able
# to end a statement. The error's own text is not repeated, because it may quote the message with
# its URLs.
FUNCTION = f"""
CREATE OR REPLACE FUNCTION public.storyboards_send() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '{LOCK_WAIT}'
AS $function$
DECLARE
    began_at timestamptz := clock_timestamp();
BEGIN
    IF current_setting('{IS_SLOW}', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    PERFORM realtime.send(to_jsonb(shown), 'storyboard', 'storyboards:' || NEW.project_id, true)
    FROM public.storyboard_progress AS shown WHERE shown.id = NEW.id;
    IF clock_timestamp() - began_at > interval '{SLOW}' THEN
        PERFORM set_config('{IS_SLOW}', 'yes', true);
        RAISE WARNING 'realtime is slow: after storyboard % this transaction sends nothing', NEW.id;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS OR assert_failure THEN
    IF clock_timestamp() - began_at > interval '{SLOW}' THEN
        PERFORM set_config('{IS_SLOW}', 'yes', true);
    END IF;
    RAISE WARNING 'storyboard % was not sent to realtime: SQLSTATE %', NEW.id, SQLSTATE;
    RETURN NULL;
END
$function$
"""
# From these columns the view takes or computes all that it shows, except for updated_at.
SHOWN = ("id", "project_id", "position", "status", "cdn_url", "error_code", "picture_url")
STATEMENTS = [
    FUNCTION,
    "REVOKE ALL ON FUNCTION public.storyboards_send() FROM PUBLIC",
    # Older projects of Supabase grant rights on new functions by default.
    *(
        f"""
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{role}') THEN
    REVOKE ALL ON FUNCTION public.storyboards_send() FROM {role};
END IF
"""  # noqa: S608  our own names
        for role in ("anon", "authenticated", "service_role")
    ),
    f"""
CREATE OR REPLACE TRIGGER {TRIGGERS[0]} AFTER INSERT ON {TABLE}
    FOR EACH ROW WHEN (NEW.project_id IS NOT NULL)
    EXECUTE FUNCTION public.storyboards_send()
""",
    f"""
CREATE OR REPLACE TRIGGER {TRIGGERS[1]} AFTER UPDATE ON {TABLE}
    FOR EACH ROW WHEN (NEW.project_id IS NOT NULL AND (
        {", ".join(f"NEW.{column}" for column in SHOWN)})
        IS DISTINCT FROM (
        {", ".join(f"OLD.{column}" for column in SHOWN)}))
    EXECUTE FUNCTION public.storyboards_send()
""",
]
# A trigger whose comment has another number is of another version.
VERSION = hashlib.sha256("".join(STATEMENTS).encode()).hexdigest()[:12]
COMMENT = f"Sends changes of rows to Realtime. Made by storyboard-worker migrate, {VERSION}."
COMMENTS = [f"COMMENT ON TRIGGER {name} ON {TABLE} IS '{COMMENT}'" for name in TRIGGERS]

IS_UP_TO_DATE = f"""
(SELECT count(*) FROM pg_catalog.pg_trigger
    WHERE tgrelid = to_regclass('{TABLE}') AND obj_description(oid, 'pg_trigger') = '{COMMENT}')
    = {len(TRIGGERS)}
"""  # noqa: S608  our own constants


def ensure() -> bool:
    """Make the triggers where Realtime is, unless they are there; returns whether they were made.

    Call it after the migrations. Printed SQL looks for Realtime when it is run.
    """
    nothing_to_do = f"WHERE NOT {HAS_REALTIME.strip()} OR {IS_UP_TO_DATE.strip()}"
    is_printed = op.get_context().as_sql
    if not is_printed and online_ddl.found(f"SELECT count(*) {nothing_to_do}"):
        return False
    statements = [indent(each.strip(), "    ") for each in (*STATEMENTS, *COMMENTS)]
    online_ddl.in_a_moment(TABLE, f"SELECT {nothing_to_do}", statements)
    return not is_printed
