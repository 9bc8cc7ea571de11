"""The check of Realtime: present, missing, of another version, gone; the fix repairs each."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.acceptance.doctor.patient import Check, Patient
from tests.support.producing import enqueue
from tests.support.realtime import GONE, install_realtime, sent


def realtime(patient: Patient) -> Check:
    [check] = [check for check in patient.examine() if check["name"] == "realtime"]
    return check


def test_each_fault_is_found_and_fixed(patient: Patient) -> None:
    assert realtime(patient)["found"] == "not on this server"
    install_realtime(patient.owner)
    faults = {
        "SELECT 1": "the triggers that send to it are not",
        "COMMENT ON TRIGGER storyboards_send_insert ON storyboards IS 'older'": "another version",
        GONE: "realtime.send is gone",
    }
    for fault, words in faults.items():
        patient.owner.execute(fault.encode())
        check = realtime(patient)
        assert check["status"] == "warn"
        assert words in check["found"]
        patient.fix(check)
        assert realtime(patient)["status"] == "pass"


@pytest.fixture
def migrator(patient: Patient) -> Iterator[str]:
    """A role that has the rights of a migration, and none on Realtime; its quoted name."""
    role = f'"migrates {uuid4().hex[:8]}"'
    patient.owner.execute(f"CREATE ROLE {role}")
    patient.owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    patient.owner.execute(f"ALTER ROLE {role} BYPASSRLS")
    yield role
    patient.owner.execute(f"REASSIGN OWNED BY {role} TO current_user")
    patient.owner.execute(f"DROP OWNED BY {role}")
    patient.owner.execute(f"DROP ROLE {role}")


def test_a_role_that_may_not_send_is_found_and_given_the_rights(
    patient: Patient, migrator: str
) -> None:
    install_realtime(patient.owner)
    patient.fix(realtime(patient))
    patient.owner.execute("REVOKE ALL ON FUNCTION realtime.send FROM PUBLIC")
    patient.owner.execute(f"ALTER FUNCTION storyboards_send() OWNER TO {migrator}")
    enqueue(patient.owner, project_id="p")
    assert sent(patient.owner) == []
    check = realtime(patient)
    assert check["status"] == "warn"
    assert migrator in check["found"]
    patient.fix(check)
    assert realtime(patient)["status"] == "pass"
    enqueue(patient.owner, project_id="p")
    assert len(sent(patient.owner)) == 1
