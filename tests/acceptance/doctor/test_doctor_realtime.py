"""The check of Realtime: present, missing, of another version, gone; the fix repairs each."""

from tests.acceptance.doctor.patient import Check, Patient
from tests.support.realtime import GONE, install_realtime


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
