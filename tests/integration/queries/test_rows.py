"""Enqueueing and reading rows."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from storyboard_worker.errors import DataRefused
from storyboard_worker.queries.rows import StoryboardRows
from storyboard_worker.storyboard import Status
from tests.support.producing import (
    FAILED,
    PROCESSING,
    READY,
    URL,
    change,
    enqueue,
    moment,
    storyboard,
)
from tests.support.watching import count


def test_ids_come_in_the_order_of_the_urls(
    rows: StoryboardRows, producer: psycopg.Connection
) -> None:
    urls = [f"https://images.example/{number}" for number in range(100)]
    ids = rows.enqueue(urls, project_id="p", max_attempts=3)
    found = [storyboard(producer, id_) for id_ in ids]
    assert [row["source_url"] for row in found] == urls
    assert {(row["project_id"], row["max_attempts"], row["status"]) for row in found} == {
        ("p", 3, "pending")
    }


def test_the_same_url_twice_makes_two_rows(rows: StoryboardRows) -> None:
    assert len(set(rows.enqueue([URL, URL]))) == 2


def test_all_or_none(rows: StoryboardRows, producer: psycopg.Connection) -> None:
    with pytest.raises(DataRefused):
        rows.enqueue([URL, "ftp://images.example/a"])
    assert count(producer, "SELECT count(*) FROM storyboards") == 0


def test_one_row_under_its_column_names(rows: StoryboardRows, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, **READY)
    assert rows.get(storyboard_id) == storyboard(producer, storyboard_id)
    assert rows.get(uuid4()) is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["waiting", "working", "done", "lost", "late"]),
        ({"limit": 2}, ["waiting", "working"]),
        ({"status": Status.PENDING}, ["waiting"]),
        ({"status": Status.PROCESSING}, ["working"]),
        ({"status": Status.READY}, ["done"]),
        ({"status": Status.FAILED}, ["lost", "late"]),
        ({"error_code": "worker_lost"}, ["lost"]),
        ({"project_id": "a"}, ["waiting", "done", "late"]),
        ({"project_id": "a", "status": Status.FAILED}, ["late"]),
        ({"project_id": "none"}, []),
    ],
)
def test_the_newest_that_fit(
    rows: StoryboardRows,
    producer: psycopg.Connection,
    wanted: dict[str, Any],
    found: list[str],
) -> None:
    lost = {**FAILED, "error_code": "worker_lost"}
    states: dict[str, tuple[str, dict[str, Any]]] = {
        "late": ("a", FAILED),
        "lost": ("b", lost),
        "done": ("a", READY),
        "working": ("b", {**PROCESSING, "error_code": None}),
        "waiting": ("a", {}),
    }
    names = {}
    for age, (name, (project_id, state)) in enumerate(states.items()):
        storyboard_id = enqueue(producer, **state, project_id=project_id)
        change(producer, storyboard_id, created_at=moment(producer, age - 100))
        names[storyboard_id] = name
    assert [names[row["id"]] for row in rows.newest(**wanted)] == found
