"""Whatever Realtime does, the statements of producers and workers go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.queries.working import IMAGE
from tests.support.producing import READY, URL, change, enqueue, storyboard
from tests.support.realtime import BROKEN, CANCELLED, FAILED_ASSERT, GONE, SLOW, sent

SIGNED = f"{URL}?X-Tos-Signature=secret"
# It raises, its function is gone, and all of it is gone.
FAULTS = pytest.mark.parametrize(
    "fault", [BROKEN, FAILED_ASSERT, GONE, "DROP SCHEMA realtime CASCADE"]
)


@pytest.fixture
def warnings(live: psycopg.Connection[Any]) -> list[str]:
    found: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            found.append(f"{notice.message_primary} {notice.context}")

    live.add_notice_handler(note)
    return found


@FAULTS
def test_a_producer_goes_on(live: psycopg.Connection[Any], warnings: list[str], fault: str) -> None:
    live.execute(fault.encode())
    storyboard_id = enqueue(live, SIGNED, project_id="p")
    row = change(live, storyboard_id, **READY)
    assert row == storyboard(live, storyboard_id)
    assert row["status"] == "ready"
    assert len(warnings) == 2
    for warning in warnings:
        assert f"storyboard {storyboard_id} was not sent to realtime: SQLSTATE" in warning
        assert "http" not in warning
        assert "secret" not in warning


@FAULTS
def test_a_worker_goes_on(
    live: psycopg.Connection[Any], live_dsn: str, warnings: list[str], fault: str
) -> None:
    ids = {enqueue(live, project_id="p") for _ in range(3)}
    live.execute(fault.encode())
    database = Database(live_dsn)
    queue = StoryboardQueue(database, worker_id="w", lease_seconds=60)
    claims = queue.claim(3)
    assert {claim.id for claim in claims} == ids
    verdicts, _ = queue.end_all([(claim, IMAGE) for claim in claims])
    database.close()
    assert verdicts == [None] * 3
    assert {storyboard(live, id_)["status"] for id_ in ids} == {"ready"}
    assert warnings == []


def test_what_the_fault_has_begun_is_undone(
    live: psycopg.Connection[Any], warnings: list[str]
) -> None:
    live.execute(BROKEN.encode())
    enqueue(live, project_id="p")
    assert (sent(live), len(warnings)) == ([], 1)


@contextmanager
def messages_locked(dsn: str) -> Iterator[None]:
    """As while Realtime changes their table."""
    with psycopg.connect(dsn) as realtime:
        realtime.execute("LOCK TABLE realtime.messages")
        yield


def test_a_statement_waits_for_a_lock_of_realtime_once_and_shortly(
    live: psycopg.Connection[Any], live_dsn: str, warnings: list[str]
) -> None:
    live.execute("SET statement_timeout = '10s'")
    with messages_locked(live_dsn):
        live.execute(
            "INSERT INTO storyboards (source_url, project_id) "
            "SELECT %s, 'p' FROM generate_series(1, 50)",
            [URL],
        )
    [warning] = warnings
    assert "SQLSTATE 55P03" in warning
    assert sent(live) == []
    # The next transaction does not know of it any more.
    enqueue(live, project_id="p")
    assert len(sent(live)) == 1


def test_a_slow_realtime_is_waited_for_once_in_a_transaction(
    live: psycopg.Connection[Any], warnings: list[str]
) -> None:
    live.execute(SLOW.encode())
    live.execute("SET statement_timeout = '2s'")
    live.execute(
        "INSERT INTO storyboards (source_url, project_id) "
        "SELECT %s, 'p' FROM generate_series(1, 50)",
        [URL],
    )
    live.execute("RESET statement_timeout")
    [warning] = warnings
    assert "realtime is slow" in warning
    assert len(sent(live)) == 1
    enqueue(live, project_id="p")
    assert len(sent(live)) == 1, "the next transaction tries again"


def test_a_statement_that_is_cancelled_while_it_sends_ends(live: psycopg.Connection[Any]) -> None:
    """So a person, and ``statement_timeout``, can end it."""
    live.execute(CANCELLED.encode())
    with pytest.raises(psycopg.errors.QueryCanceled):
        enqueue(live, project_id="p")
