"""What is wrong with parts of the schema, and the SQL that fixes it, each in one line."""

from collections.abc import Iterator

from storyboard_worker.doctor.migration_text import statements
from storyboard_worker.queries.drift import (
    Constraint,
    Drift,
    Function,
    column_statements,
    index_statements,
)
from storyboard_worker.queries.rights import SERVICE_RIGHTS

VIEW = r"CREATE (?:OR REPLACE )?VIEW public\.storyboard_progress\b"
# As the migrations grant them: default privileges may have opened a view that is created again.
SERVICE_GRANT = (
    "DO $$ BEGIN IF to_regrole('service_role') IS NOT NULL THEN "
    "GRANT {0} ON public.{1} TO service_role; END IF; END $$;"
)
VIEW_RIGHTS = "REVOKE ALL ON public.storyboard_progress FROM PUBLIC; " + SERVICE_GRANT.format(
    "SELECT", "storyboard_progress"
)
TABLE_RIGHTS = (
    "ALTER TABLE public.{0} ENABLE ROW LEVEL SECURITY; REVOKE ALL ON public.{0} FROM PUBLIC;"
)
FUNCTION_RIGHTS = {
    # The trigger calls it with the rights of the role that writes.
    "storyboard_source_expiry": " DO $$ BEGIN IF to_regrole('service_role') IS NOT NULL THEN "
    "GRANT EXECUTE ON FUNCTION public.storyboard_source_expiry(text) TO service_role; END IF; "
    "END $$;"
}


def fixes(found: Drift) -> Iterator[tuple[str, str]]:
    """Each fault with its fix, in an order in which the fixes can be run."""
    for table in found.tables:
        yield f"the table {table} is missing", _creating(table)
    for column in found.columns:
        yield f"the column {column} is missing", _adding(column)
    for constraint in found.constraints:
        fault = f"the constraint {constraint.name} is missing or not valid"
        yield fault, _constraining(constraint)
    for function in found.functions:
        fault = f"the function {function.name} is missing, or is that of another version"
        yield fault, _replacing(function)
    yield from _trigger_fixes(found)
    for index in found.indexes:
        yield f"the index {index} is missing or unusable", f"{index_statements()[index]};"
    if not found.has_view:
        yield (
            "the view storyboard_progress is missing or old",
            f"{statements(VIEW)[-1]} {VIEW_RIGHTS}",
        )


def _trigger_fixes(found: Drift) -> Iterator[tuple[str, str]]:
    for trigger in found.triggers:
        made = statements(rf"CREATE TRIGGER {trigger}\b")[-1]
        yield f"the trigger {trigger} is missing", made
    for trigger in found.disabled_triggers:
        yield (
            f"the trigger {trigger} is disabled",
            f"ALTER TABLE public.storyboards ENABLE TRIGGER {trigger};",
        )


def _creating(table: str) -> str:
    """With the constraints that later migrations added, and the rights of the web app."""
    added = statements(rf"ALTER TABLE public\.{table} ADD CONSTRAINT\b")
    made = statements(rf"CREATE TABLE public\.{table}\b")
    granted = ", ".join(SERVICE_RIGHTS.get(table, ()))
    grants = [SERVICE_GRANT.format(granted, table)] if granted else []
    return " ".join([made[-1], *added, TABLE_RIGHTS.format(table), *grants])


def _adding(column: str) -> str:
    statement = column_statements()[column]
    if not statement.endswith(" NOT NULL;") or " DEFAULT " in statement:
        return statement
    table = column.partition(".")[0]
    if table == "storyboards":
        return "restore public.storyboards from a backup: the values of the column are lost"
    # The other tables fill themselves again.
    return f"DELETE FROM public.{table}; {statement}"  # noqa: S608  our own name


def _constraining(constraint: Constraint) -> str:
    table, name = f"public.{constraint.table}", constraint.name
    made = (
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, "
        f"ADD CONSTRAINT {name} {constraint.check};"
    )
    if constraint.is_proven:
        return made
    # A row that violates it could not even be updated. So the correction that the migration made,
    # if it made one, runs first.
    updates = statements(rf"UPDATE public\.{constraint.table} SET\b")
    outside = f"WHERE NOT {constraint.condition}"
    clamp = next((update for update in updates if outside in update), "")
    return f"{clamp} {made}".lstrip()


def _replacing(function: Function) -> str:
    made = function.statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    rights = f" REVOKE ALL ON FUNCTION public.{function.signature} FROM PUBLIC;"
    return made + rights + FUNCTION_RIGHTS.get(function.name, "")
