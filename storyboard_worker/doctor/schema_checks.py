"""Whether the tables exist, are complete, and are at the newest version."""

from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.database.schema import newest_revision, revisions
from storyboard_worker.doctor.check import Check, failed, passed, warned
from storyboard_worker.doctor.migration_text import constraints, functions
from storyboard_worker.doctor.schema_fixes import fixes
from storyboard_worker.queries.drift import drift, revision

MIGRATE = "storyboard-worker migrate"


def schema_checks(database: Database) -> Iterator[Check]:
    at, newest = revision(database), newest_revision()
    if at == newest:
        yield passed("schema", f"at the newest version, {at}")
        yield from _drift(database)
    elif at is None:
        yield failed("schema", "the tables do not exist", MIGRATE)
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


def _drift(database: Database) -> Iterator[Check]:
    name = "schema parts"
    found = drift(database, constraints(), functions())
    faults = list(fixes(found))
    for fault, fix in faults:
        yield failed(name, fault, fix)
    for index in found.old_indexes:
        yield warned(
            name,
            f"the index {index} is there for workers of an older version",
            f"DROP INDEX CONCURRENTLY public.{index}; -- once none of them runs",
        )
    if not faults:
        yield passed(name, "tables, constraints, functions, triggers, indexes, view: complete")
