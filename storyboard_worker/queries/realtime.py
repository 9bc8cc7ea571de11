"""Whether Supabase's Realtime is there, and hears of rows that change."""

from dataclasses import dataclass

from sqlalchemy import text

from storyboard_worker.database import Database
from storyboard_worker.database.live_rows import HAS_REALTIME, IS_UP_TO_DATE, TRIGGERS
from storyboard_worker.queries.inspection import read_only

LOOK = text(
    f"SELECT {HAS_REALTIME}, {IS_UP_TO_DATE}, (SELECT count(*) > 0 FROM pg_catalog.pg_trigger "  # noqa: S608  our own constants
    "WHERE tgrelid = to_regclass('public.storyboards') AND tgname = ANY(:names))"
)
# Of the role with whose rights the trigger sends. The functions are looked for by their names,
# because a look at realtime.send itself would need a right on its schema. Supabase's function
# writes its messages with the rights of its caller.
RIGHTS = text("""
SELECT quote_ident(pg_get_userbyid(ours.proowner)),
    has_schema_privilege(ours.proowner, send.pronamespace, 'USAGE'),
    has_function_privilege(ours.proowner, send.oid, 'EXECUTE'),
    send.prosecdef OR messages.oid IS NULL
        OR has_table_privilege(ours.proowner, messages.oid, 'INSERT')
FROM pg_catalog.pg_proc AS ours
JOIN pg_catalog.pg_namespace AS our_schema
    ON our_schema.oid = ours.pronamespace AND our_schema.nspname = 'public'
JOIN pg_catalog.pg_proc AS send
    ON send.proname = 'send' AND oidvectortypes(send.proargtypes) = 'jsonb, text, text, boolean'
JOIN pg_catalog.pg_namespace AS its_schema
    ON its_schema.oid = send.pronamespace AND its_schema.nspname = 'realtime'
LEFT JOIN pg_catalog.pg_class AS messages
    ON messages.relnamespace = its_schema.oid AND messages.relname = 'messages'
WHERE ours.proname = 'storyboards_send'
""")
# In the order of the rights that are looked for.
GRANTS = (
    "USAGE ON SCHEMA realtime",
    "EXECUTE ON FUNCTION realtime.send(jsonb, text, text, boolean)",
    "INSERT ON realtime.messages",
)


@dataclass(frozen=True, slots=True)
class LiveRows:
    """``has_realtime``: the function ``realtime.send`` exists. ``is_up_to_date``: our triggers that
    call it are those of this version. ``has_triggers``: there are some, of whatever version."""

    has_realtime: bool
    is_up_to_date: bool
    has_triggers: bool


@dataclass(frozen=True, slots=True)
class LackingRights:
    """``role`` is the one, quoted for SQL, with whose rights the triggers send. ``grants`` is what
    it lacks for that, in the words of GRANT."""

    role: str
    grants: list[str]


def live_rows(database: Database) -> LiveRows:
    with read_only(database) as connection:
        return LiveRows(*connection.execute(LOOK, {"names": list(TRIGGERS)}).one())


def lacking_rights(database: Database) -> LackingRights | None:
    """``None`` where the triggers may send, or are not there."""
    with read_only(database) as connection:
        found = connection.execute(RIGHTS).first()
    if found is None or all(found[1:]):
        return None
    role, *has = found
    return LackingRights(role, [grant for grant, it in zip(GRANTS, has, strict=True) if not it])
