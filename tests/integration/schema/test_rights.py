"""The rights of each role, where the roles of Supabase exist."""

import psycopg
import pytest

from tests.support.producing import (
    FAILED,
    OTHER_URL,
    URL,
    change,
    delete,
    enqueue,
    storyboard,
)

TABLES = (
    "storyboards",
    "storyboard_workers",
    "storyboard_alarms",
    "storyboard_attempts",
    "storyboard_orphans",
    "storyboard_departures",
    "storyboard_worker_version",
)
RELATIONS = (*TABLES, "storyboard_progress")
FUNCTIONS = (
    "storyboard_source_expiry(text)",
    "storyboards_before_write()",
    "storyboards_deleted()",
    "storyboards_depart()",
    "storyboards_effective_expiry()",
    "storyboards_forget_attempts()",
    "storyboards_note_attempt()",
    "storyboards_notify()",
    "storyboards_orphan()",
)
# They write tables that the roles of producers may not write.
WITH_RIGHTS_OF_THE_OWNER = {
    "storyboards_deleted",
    "storyboards_depart",
    "storyboards_forget_attempts",
    "storyboards_note_attempt",
    "storyboards_orphan",
}
SERVICE_ROLE_RIGHTS = {
    ("storyboards", "DELETE"),
    ("storyboards", "INSERT"),
    ("storyboards", "SELECT"),
    ("storyboards", "UPDATE"),
    ("storyboard_progress", "SELECT"),
    ("storyboard_workers", "SELECT"),
    ("storyboard_orphans", "SELECT"),
    ("storyboard_attempts", "SELECT"),
}


def rights_of(producer: psycopg.Connection, role: str) -> set[tuple[str, str]]:
    """Each right on each of the project's relations, in whatever way it was granted."""
    found: set[tuple[str, str]] = set(
        producer.execute(
            "SELECT relation, kind FROM unnest(%s::text[]) AS relation, unnest(%s::text[]) AS kind "
            "WHERE has_table_privilege(%s, 'public.' || relation, kind)",
            [
                list(RELATIONS),
                ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
                role,
            ],
        ).fetchall()
    )
    return found


def columns_open_to(producer: psycopg.Connection, role: str) -> list[tuple[str, str]]:
    """Columns of the project's relations on which the role has any right."""
    return producer.execute(
        "SELECT attrelid::regclass::text, attname FROM pg_attribute "
        "WHERE attrelid::regclass::text = ANY(%s) AND attnum > 0 "
        "AND has_any_column_privilege(%s, attrelid, 'SELECT, INSERT, UPDATE, REFERENCES')",
        [list(RELATIONS), role],
    ).fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_row_level_security_is_on_without_a_policy(
    producer: psycopg.Connection, table: str
) -> None:
    row = producer.execute(
        "SELECT relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) "
        "FROM pg_class AS c WHERE oid = %s::regclass",
        [f"public.{table}"],
    ).fetchone()
    assert row == (True, 0)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
class TestPublicRoles:
    def test_no_right_on_any_relation(self, producer: psycopg.Connection, role: str) -> None:
        assert rights_of(producer, role) == set()
        assert columns_open_to(producer, role) == []

    @pytest.mark.parametrize("relation", RELATIONS)
    def test_reading_is_refused(
        self, producer: psycopg.Connection, role: str, relation: str
    ) -> None:
        producer.execute(f"SET ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            producer.execute(f"SELECT * FROM {relation}")

    def test_writing_is_refused(self, producer: psycopg.Connection, role: str) -> None:
        storyboard_id = enqueue(producer)
        producer.execute(f"SET ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            enqueue(producer)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            change(producer, storyboard_id, priority=1)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            delete(producer, storyboard_id)

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_no_right_on_any_function(
        self, producer: psycopg.Connection, role: str, function: str
    ) -> None:
        may = producer.execute(
            "SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role, f"public.{function}"]
        )
        assert may.fetchone() == (False,)

    def test_row_level_security_holds_even_with_rights(
        self, producer: psycopg.Connection, role: str
    ) -> None:
        """If rights are granted later, row-level security still refuses."""
        enqueue(producer)
        with producer.transaction(force_rollback=True):
            producer.execute(f"GRANT SELECT ON storyboards, storyboard_progress TO {role}")
            producer.execute(f"SET LOCAL ROLE {role}")
            for relation in ("storyboards", "storyboard_progress"):
                assert producer.execute(f"SELECT * FROM {relation}").fetchall() == []


def test_functions_are_closed_to_public(producer: psycopg.Connection) -> None:
    """The grantee 0 is PUBLIC. A list that is null is the default, which is open to PUBLIC."""
    for function in FUNCTIONS:
        row = producer.execute(
            "SELECT proacl IS NOT NULL AND NOT EXISTS "
            "(SELECT FROM aclexplode(proacl) WHERE grantee = 0) "
            "FROM pg_proc WHERE oid = %s::regprocedure",
            [f"public.{function}"],
        ).fetchone()
        assert row == (True,), function


def test_functions_take_names_from_no_search_path(producer: psycopg.Connection) -> None:
    rows = producer.execute(
        "SELECT proname, proconfig, prosecdef FROM pg_proc "
        "WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'storyboard%'"
    ).fetchall()
    assert {row[0] for row in rows} == {name.partition("(")[0] for name in FUNCTIONS}
    assert all(row[1] == ['search_path=""'] for row in rows)
    assert {row[0] for row in rows if row[2]} == WITH_RIGHTS_OF_THE_OWNER


def test_service_role_has_what_producers_need_and_no_more(producer: psycopg.Connection) -> None:
    assert rights_of(producer, "service_role") == SERVICE_ROLE_RIGHTS


def test_service_role_does_what_a_producer_does(producer: psycopg.Connection) -> None:
    """It owns neither the tables nor the functions that its writes fire."""
    producer.execute("SET ROLE service_role")
    signed = f"{URL}?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400"
    storyboard_id = enqueue(producer, signed)
    assert storyboard(producer, storyboard_id)["source_expires_at"] is not None
    assert change(producer, storyboard_id, source_url=OTHER_URL)["source_expires_at"] is None
    change(producer, storyboard_id, **FAILED)
    assert change(producer, storyboard_id, status="pending")["attempts"] == 0
    shown = producer.execute("SELECT id, can_retry FROM storyboard_progress").fetchall()
    assert shown == [(storyboard_id, False)]
    delete(producer, storyboard_id)
    assert producer.execute("SELECT count(*) FROM storyboards").fetchone() == (0,)
    assert producer.execute("SELECT count(*) FROM storyboard_workers").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE storyboards",
        "INSERT INTO storyboard_workers (worker_id) VALUES ('w')",
        "UPDATE storyboard_workers SET pid = 1",
        "DELETE FROM storyboard_workers",
        "UPDATE storyboard_progress SET position = 1",
        "DELETE FROM storyboard_attempts",
        "SELECT nextval('storyboard_attempts_id_seq')",
        "INSERT INTO storyboard_orphans (public_id, reason) VALUES ('a', 'deleted')",
        "UPDATE storyboard_orphans SET reason = 'deleted'",
        "DELETE FROM storyboard_orphans",
        "SELECT * FROM storyboard_departures",
        "SELECT * FROM storyboard_worker_version",
        "ALTER TABLE storyboards DISABLE TRIGGER ALL",
    ],
)
def test_service_role_may_not_do_more(producer: psycopg.Connection, statement: str) -> None:
    producer.execute("SET ROLE service_role")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        producer.execute(statement)
