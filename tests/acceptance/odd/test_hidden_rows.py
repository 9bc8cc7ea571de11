"""Row-level security that shows a role no rows must not look like an empty table."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from storyboard_worker.demo.origin import Origin
from tests.support.http_client import call
from tests.support.panels import enqueue_panels
from tests.support.ports import free_port
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.waiting import eventually, statuses

IMPATIENT = "from storyboard_worker.worker import outage; outage.ALARM_AFTER_SECONDS = 1.0"
CRON_SECRET = "0123456789abcdef-cron"
ANY_ID = "11111111-1111-4111-8111-111111111111"
HIDDEN = "row-level security hides the rows of storyboards"
# The role owns the tables of the register. Only the rows are hidden from it.
ONLY_STORYBOARDS = "ALTER TABLE storyboard_workers DISABLE ROW LEVEL SECURITY"


@pytest.fixture
def hiding_url(producer: psycopg.Connection, database_url: str) -> Iterator[str]:
    """The URL of a role that has every right but to see rows."""
    name = f"stranger_of_{producer.info.dbname}"
    role = sql.Identifier(name)
    producer.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    for kind in ("TABLES", "FUNCTIONS"):
        grant = sql.SQL("GRANT ALL ON ALL {} IN SCHEMA public TO {}")
        producer.execute(grant.format(sql.SQL(kind), role))
    yield database_url.replace("//postgres:", f"//{name}:")
    producer.execute(sql.SQL("DROP OWNED BY {}").format(role))
    producer.execute(sql.SQL("DROP ROLE {}").format(role))


def alarms(sentry: SentryServer) -> list[dict[str, Any]]:
    return [event for event in sentry.events if event["tags"].get("alarm") == "database"]


@pytest.mark.parametrize("register", ["hidden", "seen"])
def test_a_worker_raises_the_alarm(
    register: str,
    producer: psycopg.Connection,
    hiding_url: str,
    origin: Origin,
    start_worker: StartWorker,
    sentry: SentryServer,
) -> None:
    if register == "seen":
        producer.execute(ONLY_STORYBOARDS)
    enqueue_panels(producer, origin, 3)
    port = free_port()
    served = {"PORT": str(port), "CRON_SECRET": CRON_SECRET}
    start_worker(IMPATIENT, DATABASE_URL=hiding_url, SENTRY_DSN=sentry.dsn, **served)
    [alarm] = eventually(lambda: alarms(sentry))
    assert "row-level security" in str(alarm)
    assert alarm["contexts"]["alarm"]["next_step"] == "storyboard-worker doctor"
    reply = call(port, "/api/health/worker", token=CRON_SECRET)
    health = reply.json
    assert (reply.status, health["healthy"]) == (503, False)
    assert health["stats"]["waiting"] is None
    assert HIDDEN in str(health["reasons"])
    swept = call(port, "/api/cron/download-pending-storyboards", token=CRON_SECRET)
    assert (swept.status, HIDDEN in swept.text) == (503, True)
    assert statuses(producer) == {"pending": 3}


def test_a_sweep_says_why_and_raises_the_alarm(
    producer: psycopg.Connection,
    hiding_url: str,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    sentry: SentryServer,
) -> None:
    enqueue_panels(producer, origin, 3)
    swept = storyboard_worker("sweep", DATABASE_URL=hiding_url, SENTRY_DSN=sentry.dsn)
    assert swept.code not in (0, 2), swept.shown()
    assert HIDDEN in swept.error_lines[-1]
    [alarm] = alarms(sentry)
    assert HIDDEN in str(alarm)


def test_what_is_hidden_is_not_shown_as_nothing(
    hiding_url: str, storyboard_worker: StoryboardWorker
) -> None:
    for command in (["status"], ["list"], ["failures"], ["show", ANY_ID], ["retry", ANY_ID]):
        shown = storyboard_worker(*command, DATABASE_URL=hiding_url)
        assert shown.code == 69, shown.shown()
        assert HIDDEN in shown.error_lines[-1]
        assert shown.out == ""
