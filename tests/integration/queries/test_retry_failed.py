"""failed → pending, for rows that people choose."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from storyboard_worker.queries import rows as queries
from storyboard_worker.queries.rows import FailedFilter, StoryboardRows
from tests.support.producing import (
    FAILED,
    NO_ERROR,
    PROCESSING,
    READY,
    WAITING,
    change,
    enqueue,
    moment,
    only,
    storyboard,
)
from tests.support.watching import count


@pytest.fixture
def failed(producer: psycopg.Connection) -> dict[str, UUID]:
    """Four failed rows, the oldest error first."""
    kinds = [
        ("old", "source_timeout", "p", -7000),
        ("lost", "worker_lost", "p", -3000),
        ("young", "source_timeout", "q", -600),
        ("fresh", "source_timeout", "p", -10),
    ]
    return {
        name: enqueue(
            producer,
            **{**FAILED, "error_code": code, "errored_at": moment(producer, age)},
            project_id=project_id,
        )
        for name, code, project_id, age in kinds
    }


@pytest.mark.parametrize(
    ("which", "names"),
    [
        (lambda _: FailedFilter(), ["old", "lost", "young", "fresh"]),
        (lambda ids: FailedFilter(ids=[ids["lost"], ids["old"], uuid4()]), ["old", "lost"]),
        (lambda _: FailedFilter(ids=[]), []),
        (lambda _: FailedFilter(error_code="source_timeout"), ["old", "young", "fresh"]),
        (lambda _: FailedFilter(since=timedelta(hours=1)), ["lost", "young", "fresh"]),
        (lambda _: FailedFilter(project_id="p"), ["old", "lost", "fresh"]),
        (
            lambda _: FailedFilter(
                error_code="source_timeout", since=timedelta(hours=1), project_id="p"
            ),
            ["fresh"],
        ),
        (lambda _: FailedFilter(error_code="image_invalid"), []),
    ],
)
def test_every_part_of_the_filter_must_fit(
    rows: StoryboardRows,
    producer: psycopg.Connection,
    failed: dict[str, UUID],
    which: Callable[[dict[str, UUID]], FailedFilter],
    names: list[str],
) -> None:
    chosen = which(failed)
    expected = [failed[name] for name in names]
    assert rows.failed(chosen) == expected
    assert sorted(rows.retry(chosen)) == sorted(expected)
    status = {name: storyboard(producer, id_)["status"] for name, id_ in failed.items()}
    assert status == {name: "pending" if name in names else "failed" for name in failed}


def test_the_row_starts_afresh(
    rows: StoryboardRows, producer: psycopg.Connection, failed: dict[str, UUID]
) -> None:
    rows.retry(FailedFilter(ids=[failed["old"]]))
    row = storyboard(producer, failed["old"])
    assert (row["status"], row["attempts"], row["finished_at"]) == ("pending", 0, None)
    assert only(row, NO_ERROR) == NO_ERROR
    assert row["available_at"] == row["updated_at"]


def test_only_failed_rows(rows: StoryboardRows, producer: psycopg.Connection) -> None:
    ids = [enqueue(producer, **state) for state in (WAITING, PROCESSING, READY)]
    before = [storyboard(producer, id_) for id_ in ids]
    assert rows.failed(FailedFilter(ids=ids)) == []
    assert rows.retry(FailedFilter(ids=ids)) == []
    assert [storyboard(producer, id_) for id_ in ids] == before


def test_in_batches_of_what_was_chosen_at_first(
    rows: StoryboardRows,
    producer: psycopg.Connection,
    failed: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "BATCH_ROWS", 3)
    assert len(rows.retry(FailedFilter())) == 4
    assert count(producer, "SELECT count(*) FROM storyboards WHERE status = 'failed'") == 0


def test_a_row_that_was_put_back_before_is_not_counted(
    rows: StoryboardRows,
    producer: psycopg.Connection,
    failed: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another session retries one of the rows between choosing and putting back."""
    choose = rows.failed

    def choose_then_lose_one(which: FailedFilter) -> list[UUID]:
        chosen = choose(which)
        change(producer, failed["young"], status="pending")
        return chosen

    monkeypatch.setattr(rows, "failed", choose_then_lose_one)
    retried = rows.retry(FailedFilter())
    assert set(retried) == set(failed.values()) - {failed["young"]}
