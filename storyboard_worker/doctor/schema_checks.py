"""The tables: there, whole, at the newest version, and found by their index."""

import re
from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.queries.drift import (
    Drift,
    column_statements,
    drift,
    index_statements,
    revision,
)
from storyboard_worker.queries.inspection import Inspection
from storyboard_worker.schema import newest_revision, revisions, upgrade_sql

MIGRATE = "storyboard-worker migrate"
CLAIM_INDEX = "storyboards_claim_idx"
VIEW = r"CREATE VIEW public\.storyboard_progress\b"
# As the migrations give them; a new view may have been given away by default.
VIEW_RIGHTS = (
    "REVOKE ALL ON public.storyboard_progress FROM PUBLIC; "
    "DO $$ BEGIN IF to_regrole('service_role') IS NOT NULL THEN "
    "GRANT SELECT ON public.storyboard_progress TO service_role; END IF; END $$;"
)

TABLE_RIGHTS = (
    "ALTER TABLE public.{0} ENABLE ROW LEVEL SECURITY; REVOKE ALL ON public.{0} FROM PUBLIC;"
)


class SchemaChecks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> Iterator[Check]:
        at, newest = revision(self._database), newest_revision()
        if at == newest:
            yield passed("schema", f"at the newest version, {at}")
            yield from self._drift()
        elif at is None:
            yield failed("schema", "the tables are not there", MIGRATE)
        elif not at:
            yield failed(
                "schema",
                "the version is hidden from us, or lost",
                "see the check «row-level security»",
            )
        elif at in revisions():
            yield failed("schema", f"at {at}, and {newest} is the newest", MIGRATE)
        else:
            yield warned(
                "schema",
                f"at {at}, which this version does not know: it is older than the database",
                "deploy the newest storyboard-worker",
            )

    def _drift(self) -> Iterator[Check]:
        name = "schema parts"
        constraints = _constraints()
        faults = list(_mends(drift(self._database, constraints), constraints))
        for fault, mend in faults:
            yield failed(name, fault, mend)
        if not faults:
            yield passed(name, "tables, constraints, triggers, indexes and view are whole")

    def claim(self) -> Iterator[Check]:
        indexes = Inspection(self._database).claim_indexes()
        if CLAIM_INDEX in indexes:
            yield passed("claim", f"finds its rows by {CLAIM_INDEX}")
        else:
            yield failed(
                "claim",
                f"does not find its rows by {CLAIM_INDEX}: it gets slow as the table grows",
                f"{index_statements()[CLAIM_INDEX]};",
            )


def _mends(found: Drift, constraints: dict[str, str]) -> Iterator[tuple[str, str]]:
    for table in found.tables:
        yield f"the table {table} is missing", f"{_creating(table)} {TABLE_RIGHTS.format(table)}"
    for column in found.columns:
        yield f"the column {column} is missing", _adding(column)
    for constraint in found.constraints:
        mend = (
            f"ALTER TABLE public.storyboards DROP CONSTRAINT IF EXISTS {constraint}, "
            f"ADD CONSTRAINT {constraint} {constraints[constraint]};"
        )
        yield f"the constraint {constraint} is missing or not valid", mend
    for trigger in found.triggers:
        yield f"the trigger {trigger} is missing", _triggering(trigger)
    for trigger in found.disabled_triggers:
        yield (
            f"the trigger {trigger} is disabled",
            f"ALTER TABLE public.storyboards ENABLE TRIGGER {trigger};",
        )
    for index in found.indexes:
        yield f"the index {index} is missing or unusable", f"{index_statements()[index]};"
    if not found.has_view:
        yield "the view storyboard_progress is missing", f"{_statement(VIEW)} {VIEW_RIGHTS}"


def _adding(column: str) -> str:
    statement = column_statements()[column]
    if not statement.endswith(" NOT NULL;") or " DEFAULT " in statement:
        return statement
    table = column.partition(".")[0]
    if table == "storyboards":
        return "restore public.storyboards from a backup: what stood in the column is gone"
    # What stands in the other tables is written anew by itself.
    return f"DELETE FROM public.{table}; {statement}"  # noqa: S608  our own name


def _triggering(trigger: str) -> str:
    """With its function, without which it cannot be; to make that anew does no harm."""
    statement = _statement(rf"CREATE TRIGGER {trigger}\b")
    function = statement.rpartition("EXECUTE FUNCTION ")[2].rstrip(";")
    body = _statement(rf"CREATE FUNCTION {re.escape(function)}.*?\$body\$.*?\$body\$")
    made = body.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    return f"{made} REVOKE ALL ON FUNCTION {function} FROM PUBLIC; {statement}"


def _creating(table: str) -> str:
    return _statement(rf"CREATE TABLE public\.{table}\b")


def _constraints() -> dict[str, str]:
    """The checks of our migrations, by name."""
    written = re.findall(
        r"^ +CONSTRAINT (storyboards_\w+)\s+(CHECK .*?)(?=,?\n(?: +(?:--|CONSTRAINT)|\)))",
        upgrade_sql(),
        re.DOTALL | re.MULTILINE,
    )
    return {name: " ".join(check.split()) for name, check in written}


def _statement(beginning: str) -> str:
    """The last statement of our migrations that begins so, in one line."""
    without_remarks = re.sub(r"^ *--.*$", "", upgrade_sql(), flags=re.MULTILINE)
    found = re.findall(rf"^{beginning}.*?;$", without_remarks, re.DOTALL | re.MULTILINE)
    return " ".join(found[-1].split())
