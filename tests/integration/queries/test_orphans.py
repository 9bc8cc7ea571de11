"""Which pictures of the list may be deleted."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from psycopg import conninfo

from storyboard_worker.database import Database
from storyboard_worker.errors import RowsHidden
from storyboard_worker.queries.orphans import Orphans
from tests.support.orphans import WEEK, list_orphans
from tests.support.producing import A_MOMENT, PENDING, READY, enqueue


def test_a_picture_counts_as_shown_by_its_value_in_either_column(
    database: Database, producer: psycopg.Connection
) -> None:
    with producer.transaction():
        producer.execute("SET LOCAL session_replication_role = replica")
        enqueue(producer, **{**READY, "public_id": "a", "finished_at": A_MOMENT})
    enqueue(producer, **PENDING, picture_public_id="b")
    listed = ["a", "b", *map(str, range(20))]
    assert Orphans(database).shown(listed) == {"a", "b"}


def test_how_many_wait_and_for_how_long(database: Database, producer: psycopg.Connection) -> None:
    orphans = Orphans(database)
    assert (orphans.waiting().count, orphans.waiting().oldest_seconds) == (0, 0.0)
    list_orphans(producer, ["a", "b"], age=WEEK)
    waiting = orphans.waiting()
    assert waiting.count == 2
    assert waiting.oldest_seconds == pytest.approx(WEEK.total_seconds(), abs=60)


@pytest.fixture
def half_blind(dsn: str, producer: psycopg.Connection) -> Iterator[Database]:
    """The database as a role that a policy lets see some rows."""
    name = f"half_blind_in_{producer.info.dbname}"
    producer.execute(f"CREATE ROLE {name} LOGIN")
    producer.execute(f"GRANT SELECT ON storyboards, storyboard_orphans TO {name}")
    producer.execute(f"CREATE POLICY half ON storyboards TO {name} USING (project_id = 'p')")
    with closing(Database(conninfo.make_conninfo(dsn, user=name))) as database:
        yield database
    producer.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_role_that_may_not_see_all_rows_prunes_nothing(half_blind: Database) -> None:
    orphans = Orphans(half_blind)
    with pytest.raises(RowsHidden):
        orphans.moment_ago(WEEK)
    with pytest.raises(RowsHidden):
        orphans.shown(["a"])


def test_the_moment_is_the_databases(database: Database, producer: psycopg.Connection) -> None:
    moment = Orphans(database).moment_ago(timedelta(hours=1))
    row = producer.execute("SELECT now() - %s", [moment]).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))
