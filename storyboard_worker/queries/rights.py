"""The rights of roles on the tables, and whether row-level security protects them."""

from dataclasses import dataclass

from sqlalchemy import text

from storyboard_worker.database import Database
from storyboard_worker.queries.inspection import read_only

RELATIONS = (
    "storyboards",
    "storyboard_workers",
    "storyboard_alarms",
    "storyboard_attempts",
    "storyboard_orphans",
    "storyboard_departures",
    "storyboard_worker_version",
    "storyboard_progress",
)
PUBLIC_ROLES = ("anon", "authenticated")
SERVICE_ROLE = "service_role"
# The rights that a server of the web app needs. The migrations grant them.
SERVICE_RIGHTS = {
    "storyboards": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "storyboard_progress": ("SELECT",),
    "storyboard_workers": ("SELECT",),
    "storyboard_orphans": ("SELECT",),
    "storyboard_attempts": ("SELECT",),
}
# They write these tables with the rights of their owner, which has to own the table as well.
WRITTEN_BY = {
    "storyboard_attempts": ("storyboards_note_attempt()", "storyboards_forget_attempts()"),
    "storyboard_orphans": ("storyboards_orphan()", "storyboards_deleted()"),
    "storyboard_departures": ("storyboards_depart()", "storyboards_deleted()"),
}
# The trigger calls it with the rights of the role that writes the row.
EXPIRY_FUNCTION = "storyboard_source_expiry(text)"
# The rights that the worker itself needs.
OWN_RIGHTS = {
    "storyboards": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "storyboard_workers": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "storyboard_alarms": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "storyboard_orphans": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "storyboard_attempts": ("SELECT", "DELETE"),
    "storyboard_departures": ("SELECT", "DELETE"),
    "storyboard_progress": ("SELECT",),
    "storyboard_worker_version": ("SELECT",),
}
KINDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


# Those of the tables ``names`` that exist.
OUR_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid = ANY(SELECT "
    "to_regclass('public.' || name) FROM unnest(CAST(:names AS text[])) AS name)"
)
WITHOUT_SECURITY = text(f"{OUR_TABLES} AND NOT relrowsecurity ORDER BY 1")
HIDDEN_FROM_US = text(f"{OUR_TABLES} AND row_security_active(oid) ORDER BY 1")
POLICIES = text(
    "SELECT tablename, policyname FROM pg_policies "
    "WHERE schemaname = 'public' AND tablename = ANY(CAST(:names AS text[])) ORDER BY 1, 2"
)
ROLES = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(CAST(:names AS text[]))")
OPENED_RELATIONS = text(
    "WITH asked AS (SELECT CAST(:role AS text) AS role, 'public.' || name AS relation "
    "FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass('public.' || name) IS NOT NULL) "
    "SELECT 'TABLE ' || relation FROM asked "
    "WHERE has_table_privilege(role, relation, CAST(:kinds AS text)) "
    "OR has_any_column_privilege(role, relation, 'SELECT,INSERT,UPDATE,REFERENCES')"
)
OPENED_FUNCTIONS = text(
    "SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc "
    "WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'storyboard%' "
    "AND has_function_privilege(CAST(:role AS text), oid, 'EXECUTE') ORDER BY 1"
)
MAY = text(
    "SELECT to_regclass(asked.relation) IS NULL "
    "OR has_table_privilege(asked.role, asked.relation, asked.kind) FROM (SELECT "
    "CAST(:role AS text) AS role, 'public.' || CAST(:name AS text) AS relation, "
    "CAST(:kind AS text) AS kind) AS asked"
)
MAY_CALL = text(
    "SELECT to_regprocedure('public.' || asked.name) IS NULL "
    "OR has_function_privilege(asked.role, 'public.' || asked.name, 'EXECUTE') FROM (SELECT "
    "CAST(:role AS text) AS role, CAST(:name AS text) AS name) AS asked"
)
MAY_ENTER = text("SELECT has_schema_privilege(CAST(:role AS text), 'public', 'USAGE')")


@dataclass(frozen=True, slots=True)
class Security:
    """Tables ``without`` row-level security, and ``policies`` as (table, name).

    ``hidden_from_us`` are the tables whose rows it may hide from the worker's own role.
    """

    without: list[str]
    policies: list[tuple[str, str]]
    hidden_from_us: list[str]


class Rights:
    def __init__(self, database: Database) -> None:
        self._database = database

    def roles(self) -> set[str]:
        """Those of Supabase's roles that exist."""
        with read_only(self._database) as connection:
            return set(connection.scalars(ROLES, {"names": [*PUBLIC_ROLES, SERVICE_ROLE]}))

    def security(self) -> Security:
        names = {"names": list(RELATIONS)}
        with read_only(self._database) as connection:
            return Security(
                list(connection.scalars(WITHOUT_SECURITY, names)),
                [(row[0], row[1]) for row in connection.execute(POLICIES, names)],
                list(connection.scalars(HIDDEN_FROM_US, names)),
            )

    def opened_to(self, role: str) -> list[str]:
        """Everything that ``role`` has a right on, for REVOKE: ``TABLE …`` or ``FUNCTION …(…)``."""
        values = {"names": list(RELATIONS), "role": role, "kinds": ",".join(KINDS)}
        with read_only(self._database) as connection:
            relations = list(connection.scalars(OPENED_RELATIONS, values))
            return relations + list(connection.scalars(OPENED_FUNCTIONS, {"role": role}))

    def missing(self, role: str, wanted: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
        """The rights of ``wanted`` that ``role`` lacks, by relation."""
        lacking: dict[str, list[str]] = {}
        with read_only(self._database) as connection:
            for name, kinds in wanted.items():
                for kind in kinds:
                    values = {"role": role, "name": name, "kind": kind}
                    if not connection.scalar(MAY, values):
                        lacking.setdefault(name, []).append(kind)
        return lacking

    def may_enqueue(self, role: str) -> bool:
        """Whether ``role`` may call the function that the trigger calls for each written row."""
        with read_only(self._database) as connection:
            values = {"role": role, "name": EXPIRY_FUNCTION}
            return bool(connection.scalar(MAY_CALL, values))

    def may_enter(self, role: str) -> bool:
        """Whether ``role`` may use the schema ``public`` at all."""
        with read_only(self._database) as connection:
            return bool(connection.scalar(MAY_ENTER, {"role": role}))

    def own_role(self) -> str:
        with read_only(self._database) as connection:
            return str(connection.scalar(text("SELECT current_user")))
