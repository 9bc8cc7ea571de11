"""Printed SQL changes nothing in a database that it does not fit, and names the text that does."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database import Database, schema
from tests.integration.migrations.commands import migrate
from tests.support.catalog import catalog, version
from tests.support.producing import enqueue
from tests.support.revisions import NEWEST, REVISIONS
from tests.support.stepping import downgrade_to, upgrade_to
from tests.support.watching import until, waiting_for_a_lock

ALL = "storyboard-worker migrate --sql"


def paste(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def refusal_of(dsn: str, text: str) -> str:
    """What the text says; it is checked that nothing changes."""
    before = catalog(dsn)
    with pytest.raises(psycopg.errors.RaiseException) as refused:
        paste(dsn, text)
    assert catalog(dsn) == before
    return refused.value.diag.message_primary or ""


@pytest.mark.parametrize("start", ["0001", "0003"])
def test_only_what_is_newer_makes_the_same_schema(
    empty: Database, empty_dsn: str, dsn: str, start: str
) -> None:
    upgrade_to(empty, start)
    paste(empty_dsn, schema.upgrade_sql(start))
    assert (version(empty_dsn), catalog(empty_dsn)) == (version(dsn), catalog(dsn))


@pytest.mark.parametrize("at", ["0001", "0003"])
def test_all_of_it_names_the_text_that_fits(empty: Database, empty_dsn: str, at: str) -> None:
    upgrade_to(empty, at)
    assert refusal_of(empty_dsn, schema.upgrade_sql()) == (
        f"the schema is at {at} already: print what is newer with {ALL} --from {at}"
    )
    assert version(empty_dsn) == at


@pytest.mark.parametrize("at", ["0001", "0003"])
def test_a_part_names_the_part_that_fits(empty: Database, empty_dsn: str, at: str) -> None:
    upgrade_to(empty, at)
    assert refusal_of(empty_dsn, schema.upgrade_sql("0002")) == (
        f"the schema is at {at}: print what is newer with {ALL} --from {at}"
    )


@pytest.mark.parametrize("start", [None, "0003"])
def test_a_second_time_there_is_nothing_to_do(dsn: str, start: str | None) -> None:
    assert refusal_of(dsn, schema.upgrade_sql(start)) == (
        f"the schema is at {NEWEST} already, the newest: there is nothing to do"
    )


def test_a_part_without_a_beginning(empty_dsn: str) -> None:
    assert refusal_of(empty_dsn, schema.upgrade_sql("0003")) == (
        f"there is no schema yet: print all of it with {ALL}"
    )


@pytest.mark.parametrize("start", [None, "0003"])
def test_a_database_that_is_newer_than_the_text(dsn: str, start: str | None) -> None:
    paste(dsn, "UPDATE storyboard_worker_version SET version_num = '9999'")
    assert refusal_of(dsn, schema.upgrade_sql(start)) == (
        "the schema is at 9999, which this text does not know: "
        "print it with the newest storyboard-worker"
    )


@pytest.mark.parametrize("start", [None, "0003"])
def test_a_schema_that_was_taken_down(
    empty: Database, empty_dsn: str, dsn: str, start: str | None
) -> None:
    schema.upgrade(empty)
    downgrade_to(empty, "base")
    told = refusal_of(empty_dsn, schema.upgrade_sql(start))
    [statement] = [part for part in told.split(": ")[1].split(", ") if part.startswith("DROP")]
    paste(empty_dsn, statement)
    paste(empty_dsn, schema.upgrade_sql())
    assert catalog(empty_dsn) == catalog(dsn)


@pytest.mark.skipif(shutil.which("psql") is None, reason="needs psql (postgresql-client)")
def test_psql_that_goes_on_after_errors_changes_nothing_either(
    dsn: str, producer: psycopg.Connection
) -> None:
    enqueue(producer)
    before = catalog(dsn)
    ran = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--dbname", dsn],
        input=schema.upgrade_sql(),
        text=True,
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert f"the schema is at {NEWEST} already" in ran.stderr.splitlines()[0]
    assert catalog(dsn) == before
    assert producer.execute("SELECT count(*) FROM storyboards").fetchone() == (1,)


def test_two_who_paste_it_at_once(empty: Database, empty_dsn: str) -> None:
    """The second one sees what the first one did, whatever the default isolation is."""
    upgrade_to(empty, "0003")
    text = schema.upgrade_sql("0003")
    database = conninfo.conninfo_to_dict(empty_dsn)["dbname"]
    paste(empty_dsn, f"ALTER DATABASE {database} SET default_transaction_isolation = serializable")
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(empty_dsn, autocommit=True) as first,
        psycopg.connect(empty_dsn, autocommit=True) as observer,
    ):
        first.execute(text.removesuffix("COMMIT;\n\n").encode())
        second = pool.submit(paste, empty_dsn, text)
        until(lambda: waiting_for_a_lock(observer) == 1)
        first.execute("COMMIT")
        with pytest.raises(psycopg.errors.RaiseException, match=f"at {NEWEST} already, the newest"):
            second.result(timeout=30)


def test_the_command_prints_it(empty: Database, empty_dsn: str, dsn: str) -> None:
    upgrade_to(empty, "0003")
    exit_code, printed, told = migrate("--sql", "--from", "0003")
    assert (exit_code, told) == (0, "")
    paste(empty_dsn, printed)
    assert catalog(empty_dsn) == catalog(dsn)


def test_after_the_newest_there_is_nothing_to_print() -> None:
    assert migrate("--sql", "--from", NEWEST) == (
        *(0, ""),
        f"nothing to print: {NEWEST} is the newest revision\n",
    )


@pytest.mark.parametrize("revision", ["0099", "head"])
def test_an_unknown_revision_is_2_and_lists_those_known(revision: str) -> None:
    exit_code, printed, told = migrate("--sql", f"--from={revision}")
    assert (exit_code, printed) == (2, "")
    assert f"is none of the revisions {', '.join(REVISIONS)}" in told
    assert len(told.splitlines()) == 1


def test_from_goes_with_sql_only() -> None:
    exit_code, printed, told = migrate("--from", "0003")
    assert (exit_code, printed) == (2, "")
    assert "--from needs --sql" in told
    assert len(told.splitlines()) == 1
