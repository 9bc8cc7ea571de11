"""``doctor`` tries a claim, and leaves no trace of it."""

from typing import Any

import psycopg

from storyboard_worker.demo.origin import Origin
from tests.acceptance.doctor.patient import Patient
from tests.support.panels import all_rows, enqueue_panels
from tests.support.producing import enqueue
from tests.support.waiting import statuses

WORKS = "a claim works (tried and rolled back)"
WITHOUT_BOUNDS = "ALTER TABLE storyboards DROP CONSTRAINT storyboards_bounds_check"
REFUSE_A_PROJECT = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
    WHEN (NEW.project_id = 'refused') EXECUTE FUNCTION refuse();
"""


def claim_checks(patient: Patient) -> list[dict[str, Any]]:
    return [check for check in patient.examine() if check["name"] == "claim"]


def test_it_leaves_the_table_as_it_was(patient: Patient, origin: Origin) -> None:
    enqueue_panels(patient.owner, origin, 20)
    before = all_rows(patient.owner)
    with psycopg.connect(patient.owner.info.dsn, autocommit=True) as listener:
        listener.execute("LISTEN storyboards")
        found = claim_checks(patient)
        heard = [one.payload for one in listener.notifies(timeout=0)]
    assert (found[0]["status"], found[0]["found"]) == ("pass", WORKS)
    assert all_rows(patient.owner) == before
    assert [payload for payload in heard if not payload.startswith("proof:")] == []
    # No lock is left, either.
    assert patient.owner.execute("SELECT id FROM storyboards FOR UPDATE NOWAIT").rowcount == 20


def test_one_row_that_makes_it_fail_is_named_and_fixed(patient: Patient, origin: Origin) -> None:
    patient.settings["SOURCE_ALLOW_PRIVATE"] = "true"
    patient.owner.execute(WITHOUT_BOUNDS)
    enqueue(patient.owner, attempts=2_147_483_647)
    enqueue_panels(patient.owner, origin, 2)
    [found] = [check for check in claim_checks(patient) if check["status"] != "pass"]
    assert found["status"] == "fail"
    assert "integer out of range" in found["found"]
    patient.fix(found)
    assert statuses(patient.owner) == {"ready": 2, "failed": 1}
    assert claim_checks(patient)[0]["found"] == WORKS


def test_a_trigger_that_refuses_is_shown(patient: Patient) -> None:
    patient.owner.execute(REFUSE_A_PROJECT)
    enqueue(patient.owner, project_id="refused")
    [found] = [check for check in claim_checks(patient) if check["status"] != "pass"]
    assert "not this one" in found["found"]
    assert patient.owner.execute(found["fix"].encode()).fetchall() == [("refuse", "refuse")]
    assert statuses(patient.owner) == {"pending": 1}
