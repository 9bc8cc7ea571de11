"""Every command works as usual whatever the defaults of the database's sessions are."""

import signal
from datetime import datetime

import psycopg
import pytest

from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.acceptance.odd.making import set_defaults
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.producing import storyboard
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.tallies import tally
from tests.support.waiting import wait_for_statuses

# Defaults that do not hide each other are tested together.
DEFAULTS = {
    "many": [
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = sql_standard",
        "TimeZone = 'Asia/Kathmandu'",
        "client_encoding = 'LATIN1'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "standard_conforming_strings = off",
        "backslash_quote = off",
        "extra_float_digits = 0",
        "bytea_output = 'escape'",
        "array_nulls = off",
        "row_security = off",
        "search_path = ''",
        "lock_timeout = '1ms'",
        "enable_indexscan = off",
        "jit_above_cost = 0",
    ],
    "german": [
        "DateStyle = 'German'",
        "TimeZone = '<odd>+11:37'",
        "IntervalStyle = iso_8601",
        "default_transaction_isolation = 'repeatable read'",
        "extra_float_digits = -15",
        "xmlbinary = hex",
    ],
    "postgres": ["DateStyle = 'Postgres, MDY'", "IntervalStyle = postgres_verbose"],
}


@pytest.mark.parametrize("odd", DEFAULTS)
def test_every_command_works(
    odd: str,
    producer: psycopg.Connection,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    start_worker: StartWorker,
) -> None:
    set_defaults(producer, DEFAULTS[odd])
    check_sweep(producer, origin, storyboard_worker)
    check_looking(producer, storyboard_worker)
    check_worker(producer, origin, start_worker, storyboard_worker)


def check_sweep(
    producer: psycopg.Connection, origin: Origin, storyboard_worker: StoryboardWorker
) -> None:
    """Each kind of row that a sweep deals with: due, expired, lapsed, failing."""
    enqueue_panels(producer, origin, 2)
    enqueue_panel(producer, origin, "gone.jpg", [Answer(410)])
    enqueue_panel(producer, origin, "dead.jpg", source_expires_at="2020-01-02T03:04:05Z")
    lapsed = enqueue_panel(producer, origin, "lapsed.jpg")
    producer.execute(
        "UPDATE storyboards SET status = 'processing', attempts = 1, claim_token = id, "
        "claimed_by = 'gone', claimed_at = now(), lease_expires_at = now() WHERE id = %s",
        [lapsed],
    )
    swept = storyboard_worker("sweep", "--json", "--max-seconds", "30")
    found = tally(swept)
    assert swept.code == 0, swept.shown()
    assert (found["rescued"], found["expired"], found["ready"], found["failed"]) == (1, 1, 3, 1)
    wait_for_statuses(producer, ready=3, failed=2)


def check_looking(producer: psycopg.Connection, storyboard_worker: StoryboardWorker) -> None:
    """Check that the output shows the true values, above all of moments."""
    listed = storyboard_worker("list", "--json").json
    assert len(listed) == 5
    for row in listed:
        stored = storyboard(producer, row["id"])
        for column in ("created_at", "available_at", "source_expires_at", "finished_at"):
            shown = row[column] and datetime.fromisoformat(row[column])
            assert shown == stored[column]
    shown = storyboard_worker("show", listed[0]["id"], "--json").json
    assert shown == listed[0]
    counts = storyboard_worker("status", "--json").json
    assert (counts["ready"], counts["failed"], counts["waiting"]) == (3, 2, 0)


def check_worker(
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    storyboard_worker: StoryboardWorker,
) -> None:
    worker = start_worker()
    worker.wait_for_log("listening for new rows")
    enqueue_panels(producer, origin, 3, prefix="more")
    worker.wait_for_log("storyboard ready", 3)
    beat = producer.execute(
        "SELECT extract(epoch FROM now() - last_seen_at)::float FROM storyboard_workers"
    ).fetchone()
    assert beat is not None
    assert 0 <= beat[0] < 10
    doctor = storyboard_worker("doctor", "--json").json
    assert [check for check in doctor["checks"] if check["status"] == "fail"] == []
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert [line for line in worker.log if line.get("level") != "info"] == []
