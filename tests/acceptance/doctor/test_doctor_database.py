"""Faults planted in the tables: each is found, and the printed fix repairs it."""

import pytest

from tests.acceptance.doctor.patient import Patient
from tests.acceptance.doctor.planted_faults import PLANTED


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found_and_fixed(patient: Patient, fault: str) -> None:
    plant, expected = PLANTED[fault]
    patient.owner.execute(plant.encode())
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert {(check["name"], check["status"]) for check in complaints} == expected, complaints
    for check in complaints:
        patient.fix(check)
    assert patient.complaints() == []
