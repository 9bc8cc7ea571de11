"""Three hundred rows that fail for four causes are four issues, for a real server of events."""

from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer, ServeBytes, SourceFault
from storyboard_worker.demo.origin import Origin
from tests.acceptance.bugsink_server import bugsink
from tests.acceptance.commands.running import StoryboardWorker
from tests.acceptance.panels import enqueue_panel
from tests.acceptance.waiting import statuses
from tests.integration.producing import change

TAGS = {"error_code", "upstream", "storyboard_id", "project_id", "attempt", "worker_id"}
REJECTED = Answer(400, {"error": {"message": "Invalid image file"}})

GONE = [Answer(404, always=True)]
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


@pytest.fixture
def dsn(emptied_dsn: str) -> str:
    return emptied_dsn


def test_one_issue_for_one_cause(
    producer: psycopg.Connection,
    origin: Origin,
    cloudinary: Cloudinary,
    settings: dict[str, str],
    tmp_path: Path,
) -> None:
    cloudinary.misbehave(REJECTED, times=None)
    for number, (count, host, faults, _) in enumerate(CAUSES.values()):
        for panel in range(count):
            id_ = enqueue_panel(
                producer, origin, f"{number}-{panel}.jpg", faults, project_id=f"project-{number}"
            )
            row = producer.execute("SELECT source_url FROM storyboards WHERE id = %s", [id_])
            [(url,)] = row.fetchall()
            change(producer, id_, source_url=url.replace("127.0.0.1", host))

    with bugsink(tmp_path) as server:
        command = StoryboardWorker({**settings, "LEASE_SECONDS": "60", "SENTRY_DSN": server.dsn})
        swept = command("sweep", "--json")
        command.close()
        assert swept.json["failed"] == 300, swept.shown()
        issues = server.issues()

    assert statuses(producer) == {"failed": 300}
    assert len(issues) == len(CAUSES)
    for issue in issues:
        (code,), (upstream,) = issue.tags["error_code"], issue.tags["upstream"]
        count, _, _, title = CAUSES[code, upstream]
        assert issue.titles == {title, f"{title} ({count - 3} more rows)"}
        assert issue.levels == ["error"] * 4
        assert issue.counted == count
        assert issue.tags.keys() >= TAGS
        assert len(issue.tags["storyboard_id"]) == 4
        assert len(issue.tags["project_id"]) == len(issue.tags["worker_id"]) == 1
    named = producer.execute("SELECT count(*) FROM storyboards WHERE sentry_event_id IS NOT NULL")
    assert named.fetchone() == (300,)
