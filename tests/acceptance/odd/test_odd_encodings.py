"""A database that holds bytes that are no UTF-8, or cannot hold what the worker writes."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from storyboard_worker.demo.cloudinary import Cloudinary
from storyboard_worker.demo.faults import Answer
from storyboard_worker.demo.origin import Origin
from tests.acceptance.odd.making import database_in, set_defaults
from tests.acceptance.odd.plain_session import plain_session
from tests.support.database_url import url_of
from tests.support.panels import enqueue_panel, enqueue_panels
from tests.support.producing import storyboard
from tests.support.running_command import StoryboardWorker
from tests.support.running_worker import StartWorker
from tests.support.sentry_server import SentryServer
from tests.support.tallies import tally
from tests.support.waiting import wait_for_statuses

EMOJI = "\N{PERFORMING ARTS}"
# The words of Cloudinary may be in any language.
REFUSAL = {"error": {"message": "Nieprawidłowy obraz"}}


@contextmanager
def database_of(server_dsn: str, encoding: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """A producer's session, and the URL."""
    with database_in(server_dsn, encoding) as dsn, plain_session(dsn) as producer:
        yield producer, url_of(dsn)


def test_bytes_of_a_database_without_an_encoding(
    server_dsn: str, origin: Origin, storyboard_worker: StoryboardWorker
) -> None:
    with database_of(server_dsn, "SQL_ASCII") as (producer, url):
        ids = enqueue_panels(producer, origin, 3)
        producer.execute("SET client_encoding = 'SQL_ASCII'")
        producer.execute(b"UPDATE storyboards SET project_id = 'caf\xe9', baggage = '\xff\xfe'")
        producer.execute("SET client_encoding = 'UTF8'")
        swept = storyboard_worker("sweep", "--json", DATABASE_URL=url)
        assert tally(swept)["ready"] == 3, swept.shown()
        listed = storyboard_worker("list", "--json", DATABASE_URL=url).json
        assert {row["project_id"] for row in listed} == {"caf\N{REPLACEMENT CHARACTER}"}
        added = ["enqueue", "--project", EMOJI, "https://images.example/a.jpeg"]
        assert storyboard_worker(*added, DATABASE_URL=url).code == 0
        [row] = storyboard_worker("list", "--project", EMOJI, "--json", DATABASE_URL=url).json
        assert (row["project_id"], row["status"]) == (EMOJI, "pending")
        assert storyboard_worker("show", ids[0], DATABASE_URL=url).code == 0
        assert storyboard_worker("status", DATABASE_URL=url).code == 0
        kept = producer.execute("SELECT DISTINCT project_id::bytea FROM storyboards").fetchall()
        assert set(kept) == {(b"caf\xe9",), (EMOJI.encode(),)}
        # A row that is taken away from its worker leaves a digest of its source.
        producer.execute("SET client_encoding = 'SQL_ASCII'")
        producer.execute(
            b"INSERT INTO storyboards (source_url, status, attempts, claim_token, claimed_by,"
            b" claimed_at, lease_expires_at) VALUES ('https://images.example/caf\xe9',"
            b" 'processing', 1, gen_random_uuid(), 'w', now(), now())"
        )
        producer.execute("DELETE FROM storyboards WHERE status = 'processing'")
        noted = producer.execute("SELECT count(*) FROM storyboard_departures").fetchall()
        assert noted == [(1,)]


def test_an_error_that_the_database_cannot_hold(
    server_dsn: str,
    origin: Origin,
    cloudinary: Cloudinary,
    sentry: SentryServer,
    start_worker: StartWorker,
) -> None:
    """Its row fails with as much of the message as can be written. The other rows go on."""
    with database_of(server_dsn, "LATIN1") as (producer, url):
        start_worker(DATABASE_URL=url, SENTRY_DSN=sentry.dsn)
        cloudinary.misbehave(Answer(400, REFUSAL))
        bad = enqueue_panel(producer, origin, "bad.jpg")
        wait_for_statuses(producer, failed=1)
        enqueue_panels(producer, origin, 3)
        wait_for_statuses(producer, failed=1, ready=3)
        row = storyboard(producer, bad)
        assert row["error_code"] == "storage_rejected"
        assert "Nieprawid?owy obraz" in row["error_message"]
        assert row["sentry_event_id"] in {event["event_id"] for event in sentry.events}


def test_what_a_person_types_that_the_database_cannot_hold(
    server_dsn: str, storyboard_worker: StoryboardWorker
) -> None:
    with database_of(server_dsn, "LATIN1") as (_, url):
        for arguments in (
            ["enqueue", "--project", EMOJI, "https://images.example/a.jpeg"],
            ["list", "--project", EMOJI],
        ):
            said = storyboard_worker(*arguments, DATABASE_URL=url)
            assert said.code == 1
            [line] = said.error_lines
            assert line.startswith("Error: the database refuses a value: ")


def test_an_emoji_where_sessions_speak_another_encoding(
    producer: psycopg.Connection,
    database_url: str,
    origin: Origin,
    storyboard_worker: StoryboardWorker,
    start_worker: StartWorker,
) -> None:
    set_defaults(producer, ["client_encoding = 'LATIN1'"])
    enqueue_panel(producer, origin, "swept.jpg", project_id=EMOJI)
    assert tally(storyboard_worker("sweep", "--json"))["ready"] == 1
    assert storyboard_worker("list", "--json").json[0]["project_id"] == EMOJI
    start_worker()
    enqueue_panel(producer, origin, "run.jpg", project_id=EMOJI)
    wait_for_statuses(producer, ready=2)
