"""Faults planted in the database: each is found, and what is printed mends it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from storyboard_worker.cli.exits import Exit
from storyboard_worker.doctor import server_checks, upkeep_checks
from tests.acceptance.commands.running import StoryboardWorker
from tests.acceptance.database_url import url_of
from tests.acceptance.doctor.patient import Patient
from tests.acceptance.own_postgres import OwnPostgres
from tests.acceptance.waiting import eventually

# What is planted, and the checks that must find it.
PLANTED = {
    "an older schema": (
        "DROP TABLE storyboard_alarms; UPDATE storyboard_worker_version SET version_num = '0002'",
        {("schema", "fail")},
    ),
    "a trigger is missing": (
        "DROP TRIGGER storyboards_notify_insert ON storyboards",
        {("schema parts", "fail")},
    ),
    "the other trigger is missing": (
        "DROP TRIGGER storyboards_before_write ON storyboards",
        {("schema parts", "fail")},
    ),
    "a trigger is disabled": (
        "ALTER TABLE storyboards DISABLE TRIGGER storyboards_before_write",
        {("schema parts", "fail")},
    ),
    "a trigger is on for replicas only": (
        "ALTER TABLE storyboards ENABLE REPLICA TRIGGER storyboards_notify_update",
        {("schema parts", "fail")},
    ),
    "a column is missing": (
        "ALTER TABLE storyboards DROP COLUMN project_id CASCADE",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "a column that claims hand out is missing": (
        "ALTER TABLE storyboards DROP COLUMN baggage",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "a column that a constraint guards is missing": (
        "ALTER TABLE storyboards DROP COLUMN etag",
        {("schema parts", "fail")},
    ),
    "a constraint is missing": (
        "ALTER TABLE storyboards DROP CONSTRAINT storyboards_moments_check",
        {("schema parts", "fail")},
    ),
    "a constraint was never proven": (
        """ALTER TABLE storyboards DROP CONSTRAINT storyboards_finished_check;
        ALTER TABLE storyboards ADD CONSTRAINT storyboards_finished_check
        CHECK ((finished_at IS NOT NULL) = (status IN ('ready', 'failed'))) NOT VALID""",
        {("schema parts", "fail")},
    ),
    "the table of alarms is missing": (
        "DROP TABLE storyboard_alarms",
        {("schema parts", "fail")},
    ),
    "the claim index is missing": (
        "DROP INDEX storyboards_claim_idx",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "an index is unusable": (
        """UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'storyboards_failed_idx'::regclass""",
        {("schema parts", "fail")},
    ),
    "the view is missing": (
        "DROP VIEW storyboard_progress",
        {("schema parts", "fail")},
    ),
    "row-level security is off": (
        "ALTER TABLE storyboards DISABLE ROW LEVEL SECURITY",
        {("row-level security", "fail")},
    ),
    "row-level security of the register is off": (
        "ALTER TABLE storyboard_workers DISABLE ROW LEVEL SECURITY",
        {("row-level security", "fail")},
    ),
    "a policy opens the table": (
        'CREATE POLICY "everybody may" ON storyboards FOR SELECT USING (true)',
        {("row-level security", "warn")},
    ),
    "anon may read": ("GRANT SELECT ON storyboards TO anon", {("rights", "fail")}),
    "anon may read a column": (
        "GRANT SELECT (source_url) ON storyboards TO anon",
        {("rights", "fail")},
    ),
    "everybody may read the view": (
        "GRANT SELECT ON storyboard_progress TO PUBLIC",
        {("rights", "fail")},
    ),
    "everybody may call a function": (
        "GRANT EXECUTE ON FUNCTION storyboard_source_expiry(text) TO PUBLIC",
        {("rights", "fail")},
    ),
    "the web app may not write": (
        "REVOKE INSERT, UPDATE ON storyboards FROM service_role",
        {("rights", "fail")},
    ),
    "the web app may not call what the trigger calls": (
        "REVOKE EXECUTE ON FUNCTION storyboard_source_expiry(text) FROM service_role",
        {("rights", "fail")},
    ),
    "the web app may not enter the schema": (
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC, service_role",
        {("rights", "fail")},
    ),
    "autovacuum is off for the table": (
        "ALTER TABLE storyboards SET (autovacuum_enabled = false)",
        {("vacuum", "fail")},
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found_and_mended(patient: Patient, fault: str) -> None:
    plant, expected = PLANTED[fault]
    patient.owner.execute(plant.encode())
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    assert {(check["name"], check["status"]) for check in complaints} == expected
    for check in complaints:
        patient.mend(check)
    assert patient.complaints() == []


def test_no_table_is_there(patient: Patient, empty_dsn: str) -> None:
    patient.settings["DATABASE_URL"] = url_of(empty_dsn)
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["found"]) == ("schema", "the tables are not there")
    patient.mend(complaint)
    assert patient.complaints() == [("workers", "warn")]


def test_a_database_newer_than_the_program_is_told(patient: Patient) -> None:
    patient.owner.execute("UPDATE storyboard_worker_version SET version_num = '9999'")
    assert patient.complaints() == [("schema", "warn")]


def test_a_transaction_that_was_left_open(
    patient: Patient, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_checks, "OPEN_WARN_SECONDS", 0.0)
    with psycopg.connect(dsn, application_name="left open") as other:
        other.execute("SELECT 1")
        (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
        assert complaint["name"] == "open transactions"
        assert "idle in transaction, left open" in complaint["found"]
        patient.mend(complaint)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    monkeypatch.undo()
    assert patient.complaints() == []


def test_a_table_that_somebody_keeps_locked(
    patient: Patient, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_checks, "LOCKED_SECONDS", 0.0)
    with psycopg.connect(dsn, application_name="by hand") as other:
        other.execute("LOCK TABLE storyboards")
        (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
        assert complaint["name"] == "table lock"
        assert "idle in transaction, by hand" in complaint["found"]
        patient.mend(complaint)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    assert patient.complaints() == []


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
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("database writes", "fail")
    patient.mend(complaint)
    assert patient.complaints() == []


def test_what_a_whole_server_has_wrong(
    patient: Patient, own_server: OwnPostgres, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_checks, "OPEN_WARN_SECONDS", 0.0)
    with psycopg.connect(own_server.dsn, autocommit=True) as own:
        own.execute("ALTER SYSTEM SET max_prepared_transactions = 1")
        own.execute("ALTER SYSTEM SET autovacuum = off")
    own_server.stop("fast")
    own_server.start()
    patient.settings["DATABASE_URL"] = own_url
    with psycopg.connect(own_server.dsn, autocommit=True) as own:
        own.execute("BEGIN; SELECT 1; PREPARE TRANSACTION 'it''s left'")
        complaints = {check["name"]: check for check in patient.examine()}
        found = {name for name, check in complaints.items() if check["status"] != "pass"}
        assert found == {"prepared transactions", "vacuum", "workers"}
        own.execute(complaints["prepared transactions"]["mend"].encode())
        # As psql takes what is typed, one statement after the other.
        for statement in complaints["vacuum"]["mend"].split("; "):
            own.execute(statement.encode())
        eventually(lambda: own.execute("SHOW autovacuum").fetchone() == ("on",))
    assert patient.complaints() == [("workers", "warn")]


def test_dead_rows(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_checks, "MANY_DEAD", 100)
    owner = patient.owner
    owner.execute("ALTER TABLE storyboards SET (autovacuum_vacuum_threshold = 1000000)")
    owner.execute(
        "INSERT INTO storyboards (source_url, available_at) "
        "SELECT 'https://images.example/a', now() + interval '1 hour' FROM generate_series(1, 200)"
    )
    owner.execute("DELETE FROM storyboards")
    owner.execute("SELECT pg_stat_force_next_flush()")
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert (complaint["name"], complaint["status"]) == ("vacuum", "warn")
    patient.mend(complaint)
    owner.execute("SELECT pg_stat_force_next_flush()")
    assert patient.complaints() == []


def test_nearly_all_connections_are_used(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "MOST_CONNECTIONS_SHARE", 0.0)
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert complaint["name"] == "connections"
    found = patient.owner.execute(complaint["mend"].encode()).fetchall()
    assert ("owner", "postgres", 1) in found


def test_a_database_far_away(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "FAR_SECONDS", 0.0)
    assert patient.complaints() == [("database", "warn")]


@pytest.mark.parametrize(("bound", "status"), [("NEWEST", "warn"), ("OLDEST", "fail")])
def test_a_version_that_is_not_served(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, bound: str, status: str
) -> None:
    value = {"NEWEST": 14, "OLDEST": 99}[bound]
    monkeypatch.setattr(server_checks, f"{bound}_VERSION", value)
    assert patient.complaints() == [("database version", status)]


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
    assert ("schema", "fail") in {(check["name"], check["status"]) for check in everything}
    complaints = [check for check in everything if check["name"] == "row-level security"]
    assert {check["status"] for check in complaints} == {"fail"}
    assert "hides the rows of storyboards from us" in " ".join(c["found"] for c in complaints)
    for check in complaints:
        patient.mend(check)
    # The tables are its own now, but not what their trigger calls.
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert "may not call storyboard_source_expiry" in complaint["found"]
    patient.mend(complaint)
    assert patient.complaints() == []


def test_a_role_that_may_do_nothing(patient: Patient, stranger: str) -> None:
    owner = patient.owner
    role = sql.Identifier(f"stranger_of_{owner.info.dbname}")
    owner.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
    owner.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(role))
    patient.settings["DATABASE_URL"] = stranger
    complaints = [check for check in patient.examine() if check["status"] != "pass"]
    lacking = [check for check in complaints if check["name"] == "rights"]
    assert len(lacking) == 6
    for check in complaints:
        patient.mend(check)
    assert patient.complaints() == []


def test_an_unreachable_database_is_one_fault_and_the_rest_goes_on(patient: Patient) -> None:
    patient.settings["DATABASE_URL"] = "postgresql://user:geheim-17@127.0.0.1:1/nothing"
    patient.secrets.append("geheim-17")
    checks = patient.examine()
    assert patient.complaints() == [("database", "fail")]
    assert {"cloudinary", "sentry"} <= {check["name"] for check in checks}


def test_a_database_that_never_answers(
    patient: Patient, own_server: OwnPostgres, own_url: str
) -> None:
    command = StoryboardWorker({**patient.settings, "DATABASE_URL": own_url})
    with own_server.frozen():
        shown = command("doctor", "--json")
    command.close()
    assert shown.code == Exit.BAD_ANSWER, shown.shown()
    checks = {check["name"]: check["status"] for check in shown.json["checks"]}
    assert [name for name, status in checks.items() if status != "pass"] == ["database"]
    assert {"cloudinary", "sentry"} <= checks.keys()


def test_an_address_that_is_reached_over_ipv6_only() -> None:
    check = server_checks.unreachable(
        'connection to server at "db.abcdefghij.supabase.co", port 5432 failed: '
        "Network is unreachable"
    )
    assert "session pooler" in str(check.mend)
    assert "session pooler" not in str(server_checks.unreachable("connection refused").mend)
