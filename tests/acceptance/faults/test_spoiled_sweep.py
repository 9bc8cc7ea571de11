"""`sweep` with each of its exchanges spoiled: every row ends well, and the tally is right."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.origin import Origin
from tests.acceptance.faults.databases import Databases
from tests.acceptance.faults.spoiled_command import Commands, Ran
from tests.acceptance.faults.spoiling import TIMEOUT_SECONDS, Spoiling, assert_all_bear, checked
from tests.support.database_faults import Ending, Place
from tests.support.exchanges import Step
from tests.support.panels import all_rows, enqueue_panel, enqueue_panels
from tests.support.producing import CLAIM, moment

AFTERWARDS = {"ready": 3, "failed": 1}
WRITTEN = {"rescue": "rescued", "expire": "expired"}

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@pytest.mark.parametrize("ending", Ending)
def test_sweep(
    ending: Ending,
    databases: Databases,
    origin: Origin,
    cloudinary: Cloudinary,
    commands: Commands,
) -> None:
    def spoil(spoiling: Spoiling | None) -> Ran:
        with databases.one() as (dsn, producer):
            lapsed = fill(producer, origin)
            fault = None if spoiling is None else spoiling.fault()
            ran = commands.run(dsn, "sweep", "--json", fault=fault, WORKER_CONCURRENCY="2")
            result = ran.ended()
            rows = all_rows(producer)
        assert result.code == 0, ran.told()
        assert_ended_well(rows, lapsed)
        for row in rows:
            stored = [upload for upload in cloudinary.uploads if str(row["id"]) in upload.public_id]
            assert len(stored) == (row["status"] == "ready")
        assert_right(result.json, spoiling)
        return ran

    steps = checked(spoil(None).exchanges)
    claimed = steps.index(Step("claim"))
    certain = [*steps[:claimed], *(step for step in steps[claimed:] if step in OF_ITS_OWN)]
    assert set(certain) >= OF_ITS_OWN
    assert_all_bear(certain, ending, spoil)


# Whether the others come while rows are processed is chance, because several threads send them.
OF_ITS_OWN = {
    Step("claim"),
    Step("completion"),
    Step("workers", 2),
    Step("commit of workers", 2),
    Step("alarms cleared"),
    Step("commit of alarms cleared"),
}


def fill(producer: psycopg.Connection, origin: Origin) -> UUID:
    """Rows for each duty of a sweep; returns the row to be rescued."""
    enqueue_panels(producer, origin, 2)
    enqueue_panel(producer, origin, "dead.jpg", source_expires_at=moment(producer, -60))
    claim = {**CLAIM, "claimed_at": moment(producer, -90), "lease_expires_at": moment(producer, -1)}
    return enqueue_panel(producer, origin, "lapsed.jpg", status="processing", attempts=1, **claim)


def assert_ended_well(rows: list[dict[str, Any]], lapsed: UUID) -> None:
    for row in rows:
        if row["status"] == "failed":
            assert row["error_code"] == "source_expired"
        else:
            expected = ("ready", 2 if row["id"] == lapsed else 1)
            assert (row["status"], row["attempts"]) == expected
    found = [row["status"] for row in rows]
    assert {status: found.count(status) for status in AFTERWARDS} == AFTERWARDS


def assert_right(tally: dict[str, Any], spoiling: Spoiling | None) -> None:
    """Check the tally, which need not count rows whose end the sweep could not learn of."""
    ends = [tally[end] for end in ("ready", "retried", "failed", "released")]
    assert tally["processed"] == sum(ends)
    assert tally["complete"] is True
    assert tally["alarms"] == []
    assert tally["ready"] == AFTERWARDS["ready"]
    for kind, count in WRITTEN.items():
        least = 0 if is_in_doubt(kind, spoiling) else 1
        assert least <= tally[count] <= 1, f"{count}: {tally[count]}"


def is_in_doubt(kind: str, spoiling: Spoiling | None) -> bool:
    if spoiling is None or spoiling.place is Place.BEFORE:
        return False
    return spoiling.step.kind == f"commit of {kind}"
