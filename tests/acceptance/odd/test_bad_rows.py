"""A row that no statement can handle is set aside, and the other rows go on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.producing import storyboard
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.tallies import tally
from tests.support.waiting import eventually, statuses, wait_for_statuses

# As in a database without the migration that adds the bounds.
WITHOUT_BOUNDS = "ALTER TABLE storyboards DROP CONSTRAINT storyboards_bounds_check"
WITHOUT_TRIGGER = "ALTER TABLE storyboards DISABLE TRIGGER storyboards_before_write"
REFUSE_ONE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON storyboards FOR EACH ROW
    WHEN (NEW.project_id = 'bad' AND NEW.status <> 'failed') EXECUTE FUNCTION refuse();
"""
REFUSE_ALL = REFUSE_ONE.replace("NEW.project_id = 'bad' AND NEW.status <> 'failed'", "true")
NOT_SET_ASIDE = "NEW.error_code IS DISTINCT FROM 'unexpected'"
LAPSED = {
    "status": "processing",
    "claim_token": UUID("11111111-1111-4111-8111-111111111111"),
    "claimed_by": "gone",
    "claimed_at": "2026-01-02T03:04:05Z",
    "lease_expires_at": "2026-01-02T03:04:05Z",
}
Plant = Callable[[psycopg.Connection, Origin], UUID]


def at_the_end_of_the_integer(producer: psycopg.Connection, origin: Origin) -> UUID:
    producer.execute(f"{WITHOUT_BOUNDS}; {WITHOUT_TRIGGER}".encode())
    bad = enqueue_panel(producer, origin, "bad.jpg", attempts=2_147_483_647, priority=9)
    producer.execute(WITHOUT_TRIGGER.replace("DISABLE", "ENABLE").encode())
    return bad


def refused_by_a_trigger(producer: psycopg.Connection, origin: Origin) -> UUID:
    producer.execute(REFUSE_ONE)
    return enqueue_panel(producer, origin, "bad.jpg", project_id="bad", priority=9)


BAD: dict[str, Plant] = {
    "attempts": at_the_end_of_the_integer,
    "trigger": refused_by_a_trigger,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_worker_sets_it_aside(
    kind: str,
    producer: psycopg.Connection,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
) -> None:
    bad = BAD[kind](producer, origin)
    enqueue_panels(producer, origin, 20)
    start_worker(SENTRY_DSN=sentry.dsn)
    wait_for_statuses(producer, ready=20, failed=1)
    check_set_aside(producer, bad, sentry)
    # The next claims take whole batches again.
    enqueue_panels(producer, origin, 3, prefix="later")
    wait_for_statuses(producer, ready=23, failed=1)


@pytest.mark.parametrize("kind", BAD)
def test_a_sweep_sets_it_aside(
    kind: str,
    producer: psycopg.Connection,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    sentry: SentryServer,
) -> None:
    bad = BAD[kind](producer, origin)
    enqueue_panels(producer, origin, 5)
    swept = storyboard_worker("sweep", "--json", SENTRY_DSN=sentry.dsn)
    assert swept.code == 0, swept.shown()
    assert tally(swept)["ready"] == 5
    assert statuses(producer) == {"ready": 5, "failed": 1}
    check_set_aside(producer, bad, sentry)


def check_set_aside(producer: psycopg.Connection, bad: UUID, sentry: SentryServer) -> None:
    row = storyboard(producer, bad)
    assert (row["status"], row["error_code"]) == ("failed", "unexpected")
    assert row["error_message"].startswith("the database refuses to have this row processed")
    [event] = eventually(lambda: [e for e in sentry.events if "unexpected" in str(e["tags"])])
    assert event["event_id"] == row["sentry_event_id"]


@pytest.mark.parametrize(
    ("done", "columns"),
    [
        ("rescued", LAPSED),
        ("expired", {"source_expires_at": "2026-01-02T03:04:05Z"}),
    ],
)
def test_tidying_sets_it_aside(
    done: str,
    columns: dict[str, Any],
    producer: psycopg.Connection,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    sentry: SentryServer,
) -> None:
    producer.execute(REFUSE_ONE.replace("NEW.status <> 'failed'", NOT_SET_ASIDE))
    bad = enqueue_panel(producer, origin, "bad.jpg", project_id="bad", **columns)
    for number in range(3):
        enqueue_panel(producer, origin, f"good-{number}.jpg", **columns)
    swept = storyboard_worker("sweep", "--no-process", "--json", SENTRY_DSN=sentry.dsn)
    assert swept.code == 0, swept.shown()
    assert tally(swept)[done] == 3
    check_set_aside(producer, bad, sentry)


def test_a_trigger_that_refuses_everything_sets_nothing_aside(
    producer: psycopg.Connection,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    sentry: SentryServer,
) -> None:
    producer.execute(REFUSE_ALL)
    enqueue_panels(producer, origin, 5)
    swept = storyboard_worker("sweep", SENTRY_DSN=sentry.dsn)
    assert swept.code == 1
    assert "not this one" in swept.error_lines[-1]
    assert statuses(producer) == {"pending": 5}
    [event] = sentry.events
    assert "not this one" in str(event["exception"])


def test_moments_that_python_cannot_hold(
    producer: psycopg.Connection, origin: Origin, storyboard_worker: StoryboardWorker
) -> None:
    producer.execute(f"{WITHOUT_BOUNDS}, DROP CONSTRAINT storyboards_moments_check".encode())
    long_ago: dict[str, Any] = {"available_at": "4000-01-01 BC", "created_at": "4000-01-01 BC"}
    old = enqueue_panel(producer, origin, "old.jpg", max_attempts=2_147_483_647, **long_ago)
    never: dict[str, Any] = {"source_expires_at": "294000-01-01", "created_at": "infinity"}
    enqueue_panel(producer, origin, "never.jpg", **never)
    enqueue_panels(producer, origin, 3)
    swept = storyboard_worker("sweep", "--json")
    assert tally(swept)["ready"] == 5, swept.shown()
    assert len(storyboard_worker("list", "--json").json) == 5
    assert storyboard_worker("show", old).code == 0
