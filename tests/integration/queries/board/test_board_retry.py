"""failed → pending from the board: one row, those of a filter, those of a cause."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.queries.board.pages import PanelPages
from storyboard_worker.queries.board.retrying import PanelRetry, Retried
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.storyboard import Status
from tests.support.clock import Clock
from tests.support.producing import FAILED, NO_ERROR, PROCESSING, READY, enqueue, only, storyboard
from tests.support.watching import count

STILL_FAILED = "SELECT count(*) FROM storyboards WHERE status = 'failed'"


@pytest.fixture
def retry(database: Database, rows: StoryboardRows, clock: Clock) -> PanelRetry:
    """In batches of two."""
    return PanelRetry(rows, PanelPages(database, size=2), clock)


@pytest.fixture
def failed(producer: psycopg.Connection) -> dict[str, UUID]:
    kinds = [
        (code, project, host)
        for code in ("source_timeout", "worker_lost")
        for project in ("p", "q")
        for host in ("a.example", "b.example")
    ]
    return {
        f"{code} {project} {host}": enqueue(
            producer,
            f"https://{host}/x",
            project_id=project,
            **{**FAILED, "error_code": code},
        )
        for code, project, host in kinds
    }


def test_one(retry: PanelRetry, producer: psycopg.Connection, failed: dict[str, UUID]) -> None:
    id_ = next(iter(failed.values()))
    assert retry.one(id_)
    row = storyboard(producer, id_)
    assert (row["status"], row["attempts"], only(row, NO_ERROR)) == ("pending", 0, NO_ERROR)
    assert not retry.one(id_)
    assert not retry.one(uuid4())
    assert count(producer, STILL_FAILED) == len(failed) - 1


@pytest.mark.parametrize(
    ("which", "fits"),
    [
        (PanelFilter(), lambda _: True),
        (PanelFilter(state=Status.FAILED, project="p"), lambda name: " p " in name),
        (
            PanelFilter(error_code="worker_lost", host="a.example"),
            lambda name: name.startswith("worker_lost") and name.endswith("a.example"),
        ),
        (
            PanelFilter(error_code="worker_lost", host="a.example", project="q"),
            lambda name: name == "worker_lost q a.example",
        ),
        (PanelFilter(text="B.EXAMPLE"), lambda name: name.endswith("b.example")),
        (PanelFilter(host="none.example"), lambda _: False),
        (PanelFilter(state=Status.READY), lambda _: False),
    ],
)
def test_all_that_fit_and_no_others(
    retry: PanelRetry,
    producer: psycopg.Connection,
    failed: dict[str, UUID],
    which: PanelFilter,
    fits: Callable[[str], bool],
) -> None:
    others = [enqueue(producer, **state) for state in (READY, PROCESSING)]
    before = [storyboard(producer, id_) for id_ in others]
    chosen = {name for name in failed if fits(name)}
    assert retry.all(which, seconds=60) == Retried(len(chosen), None)
    status = {name: storyboard(producer, id_)["status"] for name, id_ in failed.items()}
    assert {name for name in failed if status[name] == "pending"} == chosen
    assert [storyboard(producer, id_) for id_ in others] == before


def test_it_stops_when_the_time_is_up_and_goes_on_there(
    retry: PanelRetry, producer: psycopg.Connection, failed: dict[str, UUID], clock: Clock
) -> None:
    first = retry.all(PanelFilter(), seconds=0)
    assert first.count == 2
    assert first.rest is not None
    assert count(producer, STILL_FAILED) == len(failed) - 2
    rest = retry.all(PanelFilter(), seconds=60, since=first.rest)
    assert rest == Retried(len(failed) - 2, None)


def test_a_row_that_fails_again_is_not_put_back_twice(
    retry: PanelRetry, producer: psycopg.Connection, failed: dict[str, UUID]
) -> None:
    """Each row fails again as soon as it is put back."""
    producer.execute(
        "CREATE FUNCTION fail_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.status := 'failed'; NEW.error_code := 'unexpected'; NEW.errored_at := now(); "
        "NEW.finished_at := now(); RETURN NEW; END $$"
    )
    producer.execute(
        "CREATE TRIGGER zz_fail_again BEFORE UPDATE ON storyboards "
        "FOR EACH ROW EXECUTE FUNCTION fail_again()"
    )
    try:
        assert retry.all(PanelFilter(), seconds=60) == Retried(len(failed), None)
    finally:
        producer.execute("DROP FUNCTION fail_again() CASCADE")


def test_a_row_of_another_cause_by_now_stays(
    database: Database, rows: StoryboardRows, producer: psycopg.Connection, failed: dict[str, UUID]
) -> None:
    """It fails anew for another cause between the look and the batch."""
    which = PanelFilter(error_code="worker_lost")

    class Late(PanelPages):
        def first(self, which: PanelFilter) -> Any:
            page = super().first(which)
            producer.execute("UPDATE storyboards SET error_code = 'unexpected'")
            return page

    assert PanelRetry(rows, Late(database)).all(which, seconds=60) == Retried(0, None)
    assert count(producer, STILL_FAILED) == len(failed)
