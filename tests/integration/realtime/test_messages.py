"""What is sent when a row changes: what the view shows, and only when that has changed."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import IMAGE, TIMEOUT
from tests.support.producing import (
    FAILED,
    OTHER_URL,
    PENDING,
    READY,
    URL,
    change,
    delete,
    enqueue,
    moment,
)
from tests.support.realtime import sent

SIGNED = f"{URL}?X-Tos-Signature=secret"


def shown(live: psycopg.Connection[Any], storyboard_id: UUID) -> dict[str, Any]:
    """The row of the view as JSON has it."""
    with live.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(
            "SELECT to_jsonb(p) AS payload FROM storyboard_progress AS p WHERE id = %s",
            [storyboard_id],
        )
    payload: dict[str, Any] = row["payload"]
    return payload


def test_an_insert_sends_what_the_view_shows(live: psycopg.Connection[Any]) -> None:
    storyboard_id = enqueue(live, SIGNED, project_id="p", position=3)
    [message] = sent(live)
    assert message.pop("id") > 0
    assert message == {
        "payload": shown(live, storyboard_id),
        "event": "storyboard",
        "topic": "storyboards:p",
        "private": True,
    }
    assert "secret" not in json.dumps(message["payload"])


def test_a_whole_life(live: psycopg.Connection[Any], live_dsn: str) -> None:
    database = Database(live_dsn)
    queue = StoryboardQueue(database, worker_id="w", lease_seconds=60)
    storyboard_id = enqueue(live, project_id="p")
    for error in (TIMEOUT, None):
        claim = queue.claim_one(storyboard_id)
        assert claim is not None
        queue.renew([claim])
        if error:
            queue.retry(claim, error, delay_seconds=0)
        else:
            queue.complete(claim, IMAGE)
    database.close()
    change(live, storyboard_id, source_url=OTHER_URL)
    payloads = [message["payload"] for message in sent(live)]
    told = [(each["status"], each["error_code"], each["picture_url"]) for each in payloads]
    assert told == [
        ("pending", None, None),
        ("processing", None, None),
        ("pending", "source_timeout", None),
        ("processing", "source_timeout", None),
        ("ready", None, IMAGE.cdn_url),
        ("pending", None, IMAGE.cdn_url),
    ]
    assert payloads[-1] == shown(live, storyboard_id)


@pytest.mark.parametrize(
    "columns",
    [
        {"priority": 5},
        {"baggage": "a=b"},
        {"source_url": OTHER_URL},
        {"source_expires_at": "2031-01-01"},
        {"project_id": "p"},
    ],
)
def test_what_the_view_does_not_show_is_not_told(
    live: psycopg.Connection[Any], columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(live, project_id="p")
    sent(live)
    change(live, storyboard_id, **columns)
    assert sent(live) == []


@pytest.mark.parametrize(
    "columns", [{"position": 9}, {"project_id": "other"}, {**FAILED}, {**READY}]
)
def test_what_the_view_shows_is_told_once(
    live: psycopg.Connection[Any], columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(live, project_id="p")
    sent(live)
    change(live, storyboard_id, **columns)
    [message] = sent(live)
    assert message["payload"] == shown(live, storyboard_id)
    assert message["topic"] == f"storyboards:{columns.get('project_id', 'p')}"


def test_every_column_of_the_view_is_looked_at(live: psycopg.Connection[Any]) -> None:
    """The view takes each column from the row or computes it from status and error code."""
    found = live.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'storyboard_progress'::regclass"
    )
    columns = {row[0] for row in found} - {"updated_at", "message", "can_retry"}
    row = live.execute(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'storyboards_send_update'"
    ).fetchone()
    assert row is not None
    looked_at = row[0].replace('"', "")
    assert {column for column in columns if f"new.{column}" not in looked_at} == set()


def test_a_row_without_a_project_sends_nothing(live: psycopg.Connection[Any]) -> None:
    storyboard_id = enqueue(live)
    change(live, storyboard_id, **FAILED)
    assert sent(live) == []


def test_deleting_sends_nothing(live: psycopg.Connection[Any]) -> None:
    storyboard_id = enqueue(live, project_id="p")
    sent(live)
    delete(live, storyboard_id)
    assert sent(live) == []


def test_a_producer_without_rights_on_realtime_sends_as_well(
    live: psycopg.Connection[Any],
) -> None:
    live.execute("SET ROLE service_role")
    enqueue(live, project_id="p")
    live.execute("RESET ROLE")
    assert len(sent(live)) == 1


def test_one_statement_for_many_rows_sends_each(live: psycopg.Connection[Any]) -> None:
    ids = [enqueue(live, project_id=project) for project in ("p", "q")]
    sent(live)
    live.execute("UPDATE storyboards SET position = 1, available_at = %s", [moment(live, 60)])
    assert {message["topic"] for message in sent(live)} == {"storyboards:p", "storyboards:q"}
    assert len(ids) == 2


def test_nothing_is_sent_of_what_is_rolled_back(live: psycopg.Connection[Any]) -> None:
    with live.transaction(force_rollback=True):
        enqueue(live, project_id="p", **PENDING)
    assert sent(live) == []
