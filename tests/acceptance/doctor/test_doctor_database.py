"""Faults planted in the tables: each is found, and the printed fix repairs it."""

import pytest

from tests.acceptance.doctor.patient import Check, Patient
from tests.acceptance.doctor.planted_faults import PLANTED


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found_and_fixed(patient: Patient, fault: str) -> None:
    plant, expected = PLANTED[fault]
    patient.owner.execute(plant.encode())
    complaints = of_the_tables(patient)
    assert {(check["name"], check["status"]) for check in complaints} == expected, complaints
    for check in complaints:
        patient.fix(check)
    assert of_the_tables(patient) == []


def of_the_tables(patient: Patient) -> list[Check]:
    """What does not pass. How long a transaction takes is up to the machine, which runs other tests
    beside this one."""
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    return [check for check in complaints if "a transaction takes" not in check["found"]]
