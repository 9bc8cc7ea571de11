"""A later migration meets a table that another session has locked."""

import shutil
from pathlib import Path

import psycopg
import pytest

from storyboard_worker.database import Database, schema
from storyboard_worker.errors import DatabaseUnavailable
from tests.support.catalog import catalog, version
from tests.support.producing import enqueue
from tests.support.revisions import NEWEST, REVISIONS

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"

LATER_REVISION = f'''"""A later revision that needs the table for itself."""

from alembic import op

revision = "9999"
down_revision = "{NEWEST}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE public.storyboards ADD COLUMN later text")


def downgrade() -> None:
    op.execute("ALTER TABLE public.storyboards DROP COLUMN later")
'''


@pytest.fixture
def later_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's migrations and one more, with less patience."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema._config().get_main_option("script_location") or "", folder)
    (folder / "versions" / "9999_later.py").write_text(LATER_REVISION)
    environment = (folder / "env.py").read_text()
    assert LOCK_TIMEOUT in environment
    (folder / "env.py").write_text(environment.replace(LOCK_TIMEOUT, LOCK_TIMEOUT[:-3] + "0.3s'"))
    monkeypatch.setattr(schema, "_MIGRATIONS", (folder,))


@pytest.mark.parametrize("holds", ["SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE", "ACCESS SHARE"])
@pytest.mark.usefixtures("later_migrations")
def test_it_gives_up_rather_than_make_others_wait(dsn: str, database: Database, holds: str) -> None:
    before = catalog(dsn)
    with psycopg.connect(dsn) as holder:
        holder.execute(f"LOCK TABLE storyboards IN {holds} MODE")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            schema.upgrade(database)
        assert version(dsn) == NEWEST
    assert catalog(dsn) == before


@pytest.mark.usefixtures("later_migrations")
def test_rows_are_still_taken_in_after_it_gave_up(
    dsn: str, database: Database, producer: psycopg.Connection
) -> None:
    with psycopg.connect(dsn) as holder:
        holder.execute("LOCK TABLE storyboards IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseUnavailable):
            schema.upgrade(database)
        enqueue(producer)


@pytest.mark.usefixtures("later_migrations")
def test_the_next_deployment_succeeds(dsn: str, database: Database) -> None:
    with psycopg.connect(dsn) as holder:
        holder.execute("LOCK TABLE storyboards IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseUnavailable):
            schema.upgrade(database)
    assert schema.upgrade(database) == ["9999"]
    assert version(dsn) == "9999"


@pytest.mark.usefixtures("later_migrations")
def test_it_also_gives_up_after_a_migration_that_has_committed_in_between(
    dsn: str, database: Database, producer: psycopg.Connection
) -> None:
    """A commit ends the settings of its transaction."""
    producer.execute(f"UPDATE storyboard_worker_version SET version_num = '{REVISIONS[-2]}'")
    with psycopg.connect(dsn) as holder:
        holder.execute("LOCK TABLE storyboards IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            schema.upgrade(database)
    assert schema.upgrade(database) == [NEWEST, "9999"]
