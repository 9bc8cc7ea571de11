"""A sweep that cannot reach its database is heard of, though nobody reads cron's output."""

import socket

from tests.acceptance.commands.running import StoryboardWorker
from tests.integration.sentry_server import sentry_server


def test_an_outage_is_an_event(storyboard_worker: StoryboardWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with sentry_server() as sentry:
        swept = storyboard_worker(
            "sweep",
            DATABASE_URL=f"postgresql://postgres@127.0.0.1:{port}/postgres",
            SENTRY_DSN=sentry.dsn,
        )
        [event] = sentry.events
    assert swept.code == 69
    assert event["fingerprint"] == ["storyboard-worker", "alarm", "database"]
    assert event["level"] == "fatal"
