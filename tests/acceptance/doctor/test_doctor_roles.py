"""Faults in the rights of the role that the worker connects as."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.acceptance.doctor.patient import Patient

READ_ONLY = "default_transaction_read_only = on"


@pytest.mark.parametrize(
    "plant",
    [
        f"ALTER DATABASE {{database}} SET {READ_ONLY}",
        f"ALTER ROLE {{role}} SET {READ_ONLY}",
        f"ALTER ROLE {{role}} IN DATABASE {{database}} SET {READ_ONLY}",
    ],
)
def test_a_database_that_takes_no_writes(patient: Patient, stranger: str, plant: str) -> None:
    owner = patient.owner
    role = sql.Identifier(f"stranger_of_{owner.info.dbname}")
    owner.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(role))
    patient.settings["DATABASE_URL"] = stranger
    database = sql.Identifier(owner.info.dbname)
    owner.execute(sql.SQL(plant).format(database=database, role=role))
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    found = [(complaint["name"], complaint["status"]) for complaint in complaints]
    assert found == [("database writes", "fail"), ("claim", "fail")]
    for complaint in complaints:
        patient.fix(complaint)
    assert patient.complaints() == []


@pytest.fixture
def stranger(server_dsn: str, patient: Patient, dsn: str) -> Iterator[str]:
    """The URL of a role that has every right but owns nothing."""
    owner = patient.owner
    name = f"stranger_of_{owner.info.dbname}"
    role = sql.Identifier(name)
    owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    owner.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}").format(role=role))
    yield patient.settings["DATABASE_URL"].replace("//postgres:", f"//{name}:")
    owner.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
    owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
    owner.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_from_which_rows_are_hidden(patient: Patient, stranger: str) -> None:
    patient.settings["DATABASE_URL"] = stranger
    everything = patient.examine()
    found = {(check["name"], check["status"]) for check in everything}
    assert {("schema", "fail"), ("claim", "fail")} <= found
    complaints = [check for check in everything if check["name"] == "row-level security"]
    assert {check["status"] for check in complaints} == {"fail"}
    assert "hides the rows of storyboards from us" in " ".join(c["found"] for c in complaints)
    for check in complaints:
        patient.fix(check)
    # The role owns the tables now, but not the functions that their trigger calls.
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert "may not call storyboard_source_expiry" in complaint["found"]
    patient.fix(complaint)
    assert patient.complaints() == []
    # Functions that run with the rights of their owner write the tables that the role owns.
    owners = patient.owner.execute(
        "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE prosecdef "
        "AND pronamespace = 'public'::regnamespace"
    )
    assert owners.fetchall() == [(f"stranger_of_{patient.owner.info.dbname}",)]


def test_a_role_that_may_do_nothing(patient: Patient, stranger: str) -> None:
    owner = patient.owner
    role = sql.Identifier(f"stranger_of_{owner.info.dbname}")
    owner.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
    owner.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(role))
    patient.settings["DATABASE_URL"] = stranger
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    lacking = [check for check in complaints if check["name"] == "rights"]
    assert len(lacking) == 9
    for check in complaints:
        patient.fix(check)
    assert patient.complaints() == []
