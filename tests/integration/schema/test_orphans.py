"""Stored pictures that no row shows any more are listed, and those shown again leave the list."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    FAILED,
    NO_CLAIM,
    NO_ERROR,
    OTHER_URL,
    PENDING,
    PROCESSING,
    READY,
    change,
    delete,
    enqueue,
)
from tests.support.watching import until, waiting_for_a_lock

FIRST, SECOND = "storyboards/first", "storyboards/second"
COMPLETED: dict[str, Any] = {**READY, **NO_CLAIM, **NO_ERROR}


def orphans(producer: psycopg.Connection) -> dict[str, str]:
    found = producer.execute("SELECT public_id, reason FROM storyboard_orphans").fetchall()
    return dict(found)


def ready_with(public_id: str | None) -> dict[str, Any]:
    return {**COMPLETED, "public_id": public_id}


def test_a_picture_is_replaced_once_another_one_is_ready(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    for step in ({"source_url": OTHER_URL}, PROCESSING, {**FAILED, **NO_CLAIM}, PENDING):
        change(producer, storyboard_id, **step)
        assert orphans(producer) == {}
    change(producer, storyboard_id, **PROCESSING)
    change(producer, storyboard_id, **ready_with(SECOND))
    assert orphans(producer) == {FIRST: "replaced"}
    [moments] = producer.execute(
        "SELECT orphaned_at, updated_at FROM storyboard_orphans, storyboards"
    ).fetchall()
    assert moments[0] == moments[1]


def test_the_same_picture_again_replaces_nothing(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    for step in ({"status": "pending"}, PROCESSING, ready_with(FIRST)):
        change(producer, storyboard_id, **step)
    assert orphans(producer) == {}


def test_a_picture_that_is_shown_again_leaves_the_list(producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    for public_id in (SECOND, FIRST):
        for step in ({"status": "pending"}, PROCESSING, ready_with(public_id)):
            change(producer, storyboard_id, **step)
    assert orphans(producer) == {SECOND: "replaced"}


@pytest.mark.parametrize("state", [COMPLETED, PENDING, PROCESSING, FAILED])
@pytest.mark.parametrize("role", [None, "service_role"])
def test_the_picture_of_a_deleted_row_is_listed_whatever_its_state(
    producer: psycopg.Connection, state: dict[str, Any], role: str | None
) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    change(producer, storyboard_id, source_url=OTHER_URL)
    change(producer, storyboard_id, **state | {"public_id": FIRST if state is COMPLETED else None})
    if role:
        producer.execute(f"SET ROLE {role}")
    delete(producer, storyboard_id)
    assert orphans(producer) == {FIRST: "deleted"}


def test_rows_without_a_picture_leave_nothing_behind(producer: psycopg.Connection) -> None:
    for state in (PENDING, PROCESSING, FAILED, ready_with(None)):
        delete(producer, enqueue(producer, **state))
    assert orphans(producer) == {}


@pytest.mark.parametrize("again", [READY, PENDING])
def test_a_restored_row_takes_its_picture_off_the_list(
    producer: psycopg.Connection, again: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    delete(producer, storyboard_id)
    own = {"public_id": FIRST} if again is READY else {"picture_public_id": FIRST}
    enqueue(producer, id=storyboard_id, **{**again, **own})
    assert orphans(producer) == {}


def test_a_row_made_again_takes_its_picture_off_the_list_once_it_is_ready(
    producer: psycopg.Connection,
) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    delete(producer, storyboard_id)
    enqueue(producer, id=storyboard_id, **PROCESSING)
    assert orphans(producer) == {FIRST: "deleted"}
    change(producer, storyboard_id, **ready_with(FIRST))
    assert orphans(producer) == {}


def test_a_picture_listed_again_begins_to_age_again(producer: psycopg.Connection) -> None:
    producer.execute(
        "INSERT INTO storyboard_orphans VALUES (%s, now() - interval '1 year', 'replaced')", [FIRST]
    )
    storyboard_id = enqueue(producer, **PENDING)
    with producer.transaction():
        producer.execute("SET LOCAL session_replication_role = replica")
        change(producer, storyboard_id, picture_public_id=FIRST)
    delete(producer, storyboard_id)
    found = producer.execute(
        "SELECT reason, orphaned_at > now() - interval '1 hour' FROM storyboard_orphans"
    )
    assert found.fetchall() == [("deleted", True)]


@pytest.mark.parametrize("public_id", ["a" * 5000, ""])
def test_a_public_id_that_none_can_be_does_not_hinder_a_deletion(
    producer: psycopg.Connection, public_id: str
) -> None:
    delete(producer, enqueue(producer, **ready_with(public_id)))
    assert orphans(producer) == {}


def test_a_whole_project_is_listed_by_one_statement(producer: psycopg.Connection) -> None:
    for name in (FIRST, SECOND):
        enqueue(producer, project_id="p", **ready_with(name))
    producer.execute("DELETE FROM storyboards WHERE project_id = 'p'")
    assert orphans(producer) == {FIRST: "deleted", SECOND: "deleted"}


def test_no_other_reason_is_taken(producer: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        producer.execute("INSERT INTO storyboard_orphans (public_id, reason) VALUES ('a', 'lost')")


CLEARED: dict[str, Any] = {"picture_url": None, "picture_public_id": None}


@pytest.mark.parametrize("state", [COMPLETED, PENDING, PROCESSING, FAILED])
@pytest.mark.parametrize("role", [None, "service_role"])
def test_a_picture_that_a_producer_clears_is_listed_whatever_the_state(
    producer: psycopg.Connection, state: dict[str, Any], role: str | None
) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    change(producer, storyboard_id, source_url=OTHER_URL)
    change(producer, storyboard_id, **state | {"public_id": FIRST if state is COMPLETED else None})
    if role:
        producer.execute(f"SET ROLE {role}")
    change(producer, storyboard_id, source_url=f"{OTHER_URL}/2", **CLEARED)
    assert orphans(producer) == {FIRST: "replaced"}
    producer.execute("RESET ROLE")
    change(producer, storyboard_id, **PROCESSING)
    change(producer, storyboard_id, **ready_with(SECOND))
    assert orphans(producer) == {FIRST: "replaced"}


def test_a_picture_that_is_given_back_to_a_waiting_row_leaves_the_list(
    producer: psycopg.Connection,
) -> None:
    storyboard_id = enqueue(producer, **ready_with(FIRST))
    change(producer, storyboard_id, source_url=OTHER_URL, **CLEARED)
    change(producer, storyboard_id, picture_public_id=FIRST)
    assert orphans(producer) == {}


def test_statements_that_delete_rows_with_the_same_pictures_do_not_deadlock(
    dsn: str, producer: psycopg.Connection
) -> None:
    """Copies of a project share its pictures. Each statement finds its rows in another order."""
    for project, names in {"p": "abc", "q": "cba"}.items():
        for name in names:
            enqueue(producer, project_id=project, **ready_with(name))

    def delete_project(project: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DELETE FROM storyboards WHERE project_id = %s", [project])

    with psycopg.connect(dsn) as holder, ThreadPoolExecutor() as pool:
        holder.execute("INSERT INTO storyboard_orphans (public_id, reason) VALUES ('b', 'deleted')")
        deletions = [pool.submit(delete_project, project) for project in "pq"]
        until(lambda: waiting_for_a_lock(producer) == 2)
        holder.rollback()
        for deletion in deletions:
            deletion.result()
    assert orphans(producer) == dict.fromkeys("abc", "deleted")
