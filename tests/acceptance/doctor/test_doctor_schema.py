"""Schemas that are older, newer or incomplete: each is found, and the printed fix repairs it."""

import psycopg
import pytest

from storyboard_worker.database import Database
from tests.acceptance.doctor.patient import Patient
from tests.acceptance.doctor.planted_faults import PLANTED, WITHOUT_LIMITS
from tests.support.database_url import url_of
from tests.support.producing import enqueue, storyboard
from tests.support.revisions import REVISIONS
from tests.support.stepping import downgrade_to


def test_an_older_schema_is_found_and_fixed(patient: Patient, dsn: str) -> None:
    database = Database(dsn)
    downgrade_to(database, REVISIONS[-2])
    database.close()
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("schema", "fail")
    patient.fix(complaint)
    # A worker is there, which may be of the older version.
    left = [check for check in patient.examine() if check["status"] != "pass"]
    assert {check["status"] for check in left} <= {"warn"}
    for check in left:
        patient.fix(check)
    assert patient.complaints() == []


def test_a_column_that_every_worker_fills(patient: Patient) -> None:
    patient.owner.execute("ALTER TABLE storyboard_workers DROP COLUMN hostname")
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert [check["name"] for check in complaints] == ["schema parts", "workers"]
    patient.fix(complaints[0])
    assert patient.complaints() == [("workers", "warn")], "until the worker's next beat"


def test_rows_outside_of_the_bounds_are_fixed_with_them(patient: Patient) -> None:
    plant, _ = PLANTED["the bounds are missing, and a row lies outside"]
    patient.owner.execute(plant.encode())
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    patient.fix(complaint)
    found = patient.owner.execute("SELECT attempts, max_attempts FROM storyboards")
    assert found.fetchone() == (1_000_000_000, None)
    with pytest.raises(psycopg.errors.CheckViolation, match="storyboards_bounds_check"):
        patient.owner.execute("UPDATE storyboards SET attempts = 2147483647")


def test_rows_with_too_long_urls_are_fixed_with_the_limits(patient: Patient) -> None:
    patient.owner.execute(WITHOUT_LIMITS)
    good = enqueue(patient.owner, available_at="9998-01-01 00:00+00")
    too_long = [f"https://images.example/{'a' * 20_000}", f"https://{'a' * 300}/"]
    ids = [enqueue(patient.owner, url) for url in too_long]
    complaints = [check for check in patient.examine() if check["name"] == "schema parts"]
    assert len(complaints) == 3
    for check in complaints:
        patient.fix(check)
    found = [storyboard(patient.owner, id_) for id_ in ids]
    assert [row["error_code"] for row in found] == ["source_blocked"] * 2
    assert [row["source_url"] for row in found] == too_long
    assert storyboard(patient.owner, good)["status"] == "pending"
    for url in too_long:
        with pytest.raises(psycopg.errors.CheckViolation, match="storyboards_source_"):
            enqueue(patient.owner, url)


def test_the_table_of_workers_comes_back_with_its_bounds(patient: Patient) -> None:
    patient.owner.execute("DROP TABLE storyboard_workers")
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    patient.fix(next(check for check in complaints if check["name"] == "schema parts"))
    # Another check is responsible for the web app's right to read it.
    for check in patient.examine():
        if check["name"] == "rights" and check["status"] != "pass":
            patient.fix(check)
    assert patient.complaints() == [("workers", "warn")], "until the worker's next beat"
    assert not [check for check in complaints if "constraint" in check["found"]]


def test_no_table_is_there(patient: Patient, empty_dsn: str) -> None:
    patient.settings["DATABASE_URL"] = url_of(empty_dsn)
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["found"]) == ("schema", "the tables do not exist")
    patient.fix(complaint)
    assert patient.complaints() == [("workers", "warn")]


def test_a_database_newer_than_the_program_is_told(patient: Patient) -> None:
    patient.owner.execute("UPDATE storyboard_worker_version SET version_num = '9999'")
    assert patient.complaints() == [("schema", "warn")]
