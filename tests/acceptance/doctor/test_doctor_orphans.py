"""``doctor`` tells of stored pictures that no row shows."""

from datetime import timedelta

import pytest

from tests.acceptance.doctor.patient import Patient
from tests.support.orphans import list_orphans, listed


@pytest.mark.parametrize(("days", "status"), [(3, "pass"), (40, "warn")])
def test_how_many_and_for_how_long(patient: Patient, days: int, status: str) -> None:
    list_orphans(patient.owner, ["a", "b"], age=timedelta(days=days))
    (check,) = [one for one in patient.examine() if one["name"] == "orphaned pictures"]
    assert check["status"] == status
    assert check["found"].startswith(
        f"2 stored picture(s) that no row shows, the first for {days} d"
    )
    assert "storyboard-worker prune" in check["found"] + str(check["fix"])
    if check["fix"]:
        patient.fix(check)
        assert listed(patient.owner) == set()
