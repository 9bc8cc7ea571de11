"""``sweep`` raises an alarm when rows wait and no worker is alive."""

import json
from datetime import timedelta

import psycopg
import pytest

from storyboard_worker.demo.origin import Origin
from tests.support.panels import enqueue_panel
from tests.support.producing import moment
from tests.support.running_command import StoryboardWorker
from tests.support.sentry_server import SentryServer
from tests.support.tallies import Register, tally
from tests.support.waiting import statuses


@pytest.mark.parametrize("no_process", [False, True])
def test_a_row_that_waits_with_no_worker_alive_raises_the_alarm(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    register: Register,
    no_process: bool,  # noqa: FBT001  pytest passes parameters by name
) -> None:
    enqueue_panel(producer, origin, available_at=moment(producer, -301))
    register("dead", timedelta(seconds=61))

    options = ["--no-process"] if no_process else []
    swept = storyboard_worker("sweep", "--json", *options)

    assert swept.code == 1
    (alarm,) = tally(swept)["alarms"]
    assert "no worker is alive" in alarm
    assert statuses(producer) == {"pending" if no_process else "ready": 1}


def test_an_outage_is_told_once(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    sentry: SentryServer,
) -> None:
    swept = []
    for _ in range(2):
        enqueue_panel(producer, origin, available_at=moment(producer, -301))
        swept.append(storyboard_worker("sweep", "--json", SENTRY_DSN=sentry.dsn))

    assert [result.code for result in swept] == [1, 0]
    assert [len(tally(result)["alarms"]) for result in swept] == [1, 0]
    assert '"still: Storyboards have waited' in swept[1].err
    assert statuses(producer) == {"ready": 2}
    (alarm,) = sentry.events
    assert alarm["tags"]["alarm"] == "no_worker"
    told = [json.loads(item.payload) for item in sentry.items if item.type == "check_in"]
    assert [(told["monitor_slug"], told["status"]) for told in told] == [
        ("storyboard-sweep", "in_progress"),
        ("storyboard-sweep", "ok"),
    ] * 2
    assert alarm["level"] == "fatal"


def test_an_upstream_that_refuses_two_sweeps_is_reported_by_the_second(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, origin: Origin
) -> None:
    enqueue_panel(producer, origin)
    wrong = {"CLOUDINARY_API_SECRET": "not-the-one"}
    first = storyboard_worker("sweep", "--json", **wrong)
    producer.execute("UPDATE storyboard_alarms SET seen_at = seen_at - interval '5 minutes'")
    producer.execute("UPDATE storyboards SET available_at = now()")
    second = storyboard_worker("sweep", "--json", **wrong)

    assert (first.code, second.code) == (0, 1)
    no_worker, alarm = tally(second)["alarms"]
    assert "no worker is alive" in no_worker
    assert alarm.startswith("cloudinary refuses all rows, as it did 30")


@pytest.mark.parametrize(
    ("due_seconds_ago", "changed", "worker_seen_ago"),
    [(250, {}, None), (301, {}, 5), (301, {"HEALTH_MAX_WAIT_SECONDS": "900"}, None)],
    ids=["not long", "a worker is alive", "longer is allowed"],
)
def test_no_alarm_without_need(
    storyboard_worker: StoryboardWorker,
    producer: psycopg.Connection,
    origin: Origin,
    register: Register,
    due_seconds_ago: float,
    changed: dict[str, str],
    worker_seen_ago: float | None,
) -> None:
    enqueue_panel(producer, origin, available_at=moment(producer, -due_seconds_ago))
    if worker_seen_ago is not None:
        register("alive", timedelta(seconds=worker_seen_ago))

    swept = storyboard_worker("sweep", "--json", **changed)

    assert swept.code == 0
    assert tally(swept)["alarms"] == []
    assert statuses(producer) == {"ready": 1}
