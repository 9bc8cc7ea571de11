"""A claim as workers make it: tried, rolled back, and checked for its index."""

from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.doctor.check import Check, failed, passed
from storyboard_worker.errors import DatabaseUnavailable, DataRefused, RowsHidden
from storyboard_worker.queries.drift import index_statements
from storyboard_worker.queries.inspection import Inspection

NAME = "claim"
CLAIM_INDEX = "storyboards_claim_idx"
SET_ASIDE = "storyboard-worker sweep  # processes the other rows, and sets the faulty one aside"
OTHER_TRIGGERS = (
    "SELECT tgname, tgfoid::regproc::text FROM pg_trigger "
    "WHERE tgrelid = 'public.storyboards'::regclass AND NOT tgisinternal "
    "AND tgname !~ '^storyboards_'; -- then look at the one that refuses"
)
ELSEWHERE = "see the checks «database writes», «rights» and «table lock»; then run doctor again"


def claim_checks(database: Database) -> Iterator[Check]:
    """Raises :class:`SchemaOutdated`."""
    inspection = Inspection(database)
    try:
        inspection.rehearse_claim()
    except DataRefused as error:
        fix = OTHER_TRIGGERS if not error.by_row else SET_ASIDE
        yield failed(NAME, f"a row makes it fail: {error}", fix)
    except RowsHidden:
        yield failed(NAME, "it sees no rows", "see the check «row-level security»")
    except DatabaseUnavailable as error:
        yield failed(NAME, f"the database refuses it: {error}", ELSEWHERE)
        return
    else:
        yield passed(NAME, "a claim works (tried and rolled back)")
    yield from _index(inspection)


def _index(inspection: Inspection) -> Iterator[Check]:
    if CLAIM_INDEX in inspection.claim_indexes():
        yield passed(NAME, f"finds its rows by {CLAIM_INDEX}")
    else:
        yield failed(
            NAME,
            f"does not find its rows by {CLAIM_INDEX}: it gets slow as the table grows",
            f"{index_statements()[CLAIM_INDEX]};",
        )
