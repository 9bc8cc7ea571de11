"""Which rows are set aside when a statement fails for all, and which are only passed over."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.errors import DatabaseUnavailable, DataRefused
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.setting_aside import SettingAside
from storyboard_worker.storyboard import Group, SetAside
from tests.integration.queries.lost_answers.losing import LosingDatabase
from tests.support.clock import Clock
from tests.support.producing import enqueue

Refuse = Callable[[str], None]
BOUNDS = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'storyboards_bounds_check'"
)
COUNTS = "SELECT status, count(*) FROM storyboards GROUP BY status"


@pytest.fixture
def refuse(producer: psycopg.Connection) -> Iterator[Refuse]:
    """A trigger of the database's owner with this body."""

    def make(body: str) -> None:
        producer.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$; "
            "CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW "
            "WHEN (NEW.status = 'processing') EXECUTE FUNCTION refuse()".encode()
        )

    yield make
    producer.execute("DROP FUNCTION IF EXISTS refuse() CASCADE")


def queue_on(database: Database, told: list[SetAside]) -> StoryboardQueue:
    return StoryboardQueue(database, worker_id="w", lease_seconds=60, on_set_aside=told.append)


def counts(producer: psycopg.Connection) -> dict[str, int]:
    return dict(producer.execute(COUNTS).fetchall())


def test_a_quota_fails_no_row(
    database: Database, producer: psycopg.Connection, refuse: Refuse
) -> None:
    refuse(
        "BEGIN IF (SELECT count(*) >= 3 FROM storyboards WHERE status = 'processing') THEN "
        "RAISE EXCEPTION 'no more than three'; END IF; RETURN NEW; END"
    )
    for _ in range(20):
        enqueue(producer)
    queue = queue_on(database, [])
    assert len(queue.claim(16)) == 3
    assert counts(producer) == {"processing": 3, "pending": 17}


def test_a_broken_trigger_fails_no_row_that_comes_alone(
    database: Database, producer: psycopg.Connection, refuse: Refuse
) -> None:
    refuse("BEGIN PERFORM 1 / 0; RETURN NEW; END")
    enqueue(producer)
    told: list[SetAside] = []
    with pytest.raises(DataRefused, match="division by zero"):
        queue_on(database, told).claim(16)
    assert (counts(producer), told) == ({"pending": 1}, [])


def test_a_lone_row_with_a_value_to_blame_is_set_aside(
    database: Database, producer: psycopg.Connection
) -> None:
    bad = enqueue(producer)
    found = producer.execute(BOUNDS).fetchone()
    assert found is not None
    # The value gets past every check, as in a table that was filled before the checks existed.
    producer.execute("SET session_replication_role = replica")
    producer.execute("ALTER TABLE storyboards DROP CONSTRAINT storyboards_bounds_check")
    try:
        producer.execute("UPDATE storyboards SET attempts = 2147483647")
        told: list[SetAside] = []
        assert queue_on(database, told).claim(16, group=Group.TRIED) == []
        assert [row.id for row in told] == [bad]
        assert counts(producer) == {"failed": 1}
    finally:
        producer.execute("SET session_replication_role = DEFAULT")
        producer.execute(
            f"ALTER TABLE storyboards ADD CONSTRAINT storyboards_bounds_check {found[0]}".encode()
        )


def test_rows_claimed_one_by_one_are_kept_when_the_database_goes_away(
    dsn: str, producer: psycopg.Connection, refuse: Refuse
) -> None:
    refuse("BEGIN IF NEW.project_id = 'bad' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END")
    enqueue(producer, project_id="bad", priority=1)
    for _ in range(6):
        enqueue(producer)

    class GoingAway(LosingDatabase):
        exchanges = 0

        def _run_script(self, *calls, **how):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN202
            self.exchanges += 1
            if self.exchanges > 5:
                raise DatabaseUnavailable("it is gone")
            return super()._run_script(*calls, **how)

    database = GoingAway(dsn)
    claims = queue_on(database, []).claim(16)
    database.close()
    # The whole claim, its candidates and the bad row took three statements.
    assert len(claims) == 2
    assert counts(producer) == {"pending": 5, "processing": 2}


def test_a_row_that_is_passed_over_is_soon_tried_again_and_then_ever_more_rarely(
    database: Database, producer: psycopg.Connection
) -> None:
    """Its owner may repair the trigger while a worker goes through the rows."""
    refused = [(enqueue(producer), DataRefused("no", by_row=False)) for _ in range(2)]
    told: list[SetAside] = []
    clock = Clock()
    aside = SettingAside(database, told.append, clock)
    waits: list[float | None] = []
    for _ in range(9):
        assert aside.passed_over == []
        aside.judge(refused, well=1)
        assert sorted(aside.passed_over) == sorted(id_ for id_, _ in refused)
        waits.append(aside.seconds_until_again)
        clock.now += waits[-1] or 0
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert aside.seconds_until_again is None
    assert len(told) == len(refused), "each is told once"
    assert counts(producer) == {"pending": 2}
