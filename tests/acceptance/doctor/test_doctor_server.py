"""Faults of the server: away, silent, full, locked, or not vacuumed."""

import psycopg
import pytest

from storyboard_worker.cli.exits import Exit
from storyboard_worker.doctor import server_checks, upkeep_checks
from tests.acceptance.doctor.patient import Patient
from tests.support.own_postgres import OwnPostgres
from tests.support.running_command import StoryboardWorker
from tests.support.waiting import eventually


def test_a_transaction_that_was_left_open(
    patient: Patient, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_checks, "OPEN_WARN_SECONDS", 0.0)
    with psycopg.connect(dsn, application_name="left open") as other:
        other.execute("SELECT 1")
        (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
        assert complaint["name"] == "open transactions"
        assert "idle in transaction, left open" in complaint["found"]
        patient.fix(complaint)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    monkeypatch.undo()
    assert patient.complaints() == []


def test_a_table_that_stays_locked(
    patient: Patient, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_checks, "LOCKED_SECONDS", 0.0)
    with psycopg.connect(dsn, application_name="by hand") as other:
        other.execute("LOCK TABLE storyboards")
        (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
        assert complaint["name"] == "table lock"
        assert "idle in transaction, by hand" in complaint["found"]
        patient.fix(complaint)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    assert patient.complaints() == []


def test_settings_of_the_whole_server(
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
        own.execute(complaints["prepared transactions"]["fix"].encode())
        # The statements run one after the other, as psql runs them.
        for statement in complaints["vacuum"]["fix"].split("; "):
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
    patient.fix(complaint)
    owner.execute("SELECT pg_stat_force_next_flush()")
    assert patient.complaints() == []


def test_nearly_all_connections_are_used(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "MOST_CONNECTIONS_SHARE", 0.0)
    (complaint,) = [check for check in patient.examine() if check["status"] != "pass"]
    assert complaint["name"] == "connections"
    found = patient.owner.execute(complaint["fix"].encode()).fetchall()
    assert ("owner", "postgres", 1) in found


def test_a_database_far_away(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "FAR_SECONDS", 0.0)
    assert patient.complaints() == [("database", "warn")]


@pytest.mark.parametrize(("bound", "status"), [("NEWEST", "warn"), ("OLDEST", "fail")])
def test_a_version_that_is_not_supported(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, bound: str, status: str
) -> None:
    value = {"NEWEST": 14, "OLDEST": 99}[bound]
    monkeypatch.setattr(server_checks, f"{bound}_VERSION", value)
    assert patient.complaints() == [("database version", status)]


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
    assert "session pooler" in str(check.fix)
    assert "session pooler" not in str(server_checks.unreachable("connection refused").fix)
