"""Three hundred rows that fail for four causes become four issues on a real event server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, ServeBytes, SourceFault
from storyboard_worker.demo.origin import Origin
from tests.support.bugsink_server import Event, bugsink
from tests.support.panels import all_rows, plant
from tests.support.producing import enqueue
from tests.support.running_command import StoryboardWorker
from tests.support.waiting import statuses

TAGS = {"error_code", "upstream", "storyboard_id", "project_id", "attempt", "worker_id"}
REJECTED = Answer(400, {"error": {"message": "Invalid image file"}})

GONE = [Answer(410, always=True)]
NO_IMAGE = [ServeBytes(b"<html>no image</html>", always=True)]

# By error code and upstream: how many rows, at which host, with which faults, and their title.
Cause = tuple[int, str, Sequence[SourceFault], str]
CAUSES: dict[tuple[str, str], Cause] = {
    ("source_not_found", "127.0.0.1"): (
        *(120, "127.0.0.1", GONE),
        "The source has no such image: 127.0.0.1",
    ),
    ("source_not_found", "localhost"): (
        *(90, "localhost", GONE),
        "The source has no such image: localhost",
    ),
    ("image_invalid", "127.0.0.1"): (
        *(60, "127.0.0.1", NO_IMAGE),
        "What the source sends is no image: 127.0.0.1",
    ),
    ("storage_rejected", "cloudinary"): (
        *(30, "127.0.0.1", []),
        "Cloudinary rejects the image: cloudinary",
    ),
}


def plant_all(producer: psycopg.Connection, origin: Origin) -> None:
    """The rows of each cause are a project of their own."""
    with producer.transaction():
        for number, (count, host, faults, _) in enumerate(CAUSES.values()):
            for panel in range(count):
                url = plant(origin, f"{number}-{panel}.jpg", faults).replace("127.0.0.1", host)
                enqueue(producer, url, project_id=f"project-{number}")


def rows_by_event(producer: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in all_rows(producer):
        rows.setdefault(row["sentry_event_id"], []).append(row)
    return rows


def assert_told(
    code: str, upstream: str, events: Sequence[Event], told: dict[str, list[dict[str, Any]]]
) -> None:
    """Three rows are told in full and the rest in one sum.

    Each row names the event that tells of it.
    """
    count, _, _, title = CAUSES[code, upstream]
    *full, _ = events
    assert [event.title for event in events] == [title] * 3 + [f"{title} ({count - 3} more rows)"]
    assert {event.level for event in events} == {"error"}
    assert [event.rows for event in events] == [len(told[event.id]) for event in events]
    assert sum(event.rows for event in events) == count
    for event in full:
        [row] = told[event.id]
        assert {name: event.tags.get(name) for name in TAGS} == {
            "error_code": code,
            "upstream": upstream,
            "storyboard_id": str(row["id"]),
            "project_id": row["project_id"],
            "attempt": str(row["attempts"]),
            "worker_id": events[0].tags["worker_id"],
        }


def test_one_issue_for_one_cause(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    settings: dict[str, str],
    tmp_path: Path,
) -> None:
    cloudinary.misbehave(REJECTED, times=None)
    plant_all(producer, origin)
    with bugsink(tmp_path) as server:
        command = StoryboardWorker({**settings, "LEASE_SECONDS": "60", "SENTRY_DSN": server.dsn})
        swept = command("sweep", "--json")
        command.close()
        assert swept.json["failed"] == 300, swept.shown()
        issues = server.issues()

    assert statuses(producer) == {"failed": 300}
    causes = [(issue[0].tags["error_code"], issue[0].tags["upstream"]) for issue in issues]
    assert sorted(causes) == sorted(CAUSES)
    assert len({event.tags["worker_id"] for issue in issues for event in issue}) == 1
    told = rows_by_event(producer)
    for cause, events in zip(causes, issues, strict=True):
        assert_told(*cause, events, told)
