"""A producer enqueues with a plain insert, and needs only ``source_url``."""

from uuid import UUID

import psycopg
import pytest

from tests.support.producing import (
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    URL,
    delete,
    enqueue,
    only,
    storyboard,
)


def test_insert_of_a_url_alone_fills_in_the_rest(producer: psycopg.Connection) -> None:
    row = storyboard(producer, enqueue(producer, URL))
    defaults = {
        "source_url": URL,
        "status": "pending",
        "priority": 0,
        "attempts": 0,
        "max_attempts": None,
        "project_id": None,
        "position": None,
        "source_expires_at": None,
        "sentry_trace": None,
        "baggage": None,
        "finished_at": None,
        **NO_CLAIM,
        **NO_OUTCOME,
        **NO_ERROR,
    }
    assert only(row, defaults) == defaults
    assert row["available_at"] == row["created_at"] == row["updated_at"]


def test_the_moments_of_a_new_row_are_those_of_the_transaction(
    producer: psycopg.Connection,
) -> None:
    row = producer.execute(
        "INSERT INTO storyboards (source_url) VALUES (%s) "
        "RETURNING available_at = now() AND created_at = now() AND updated_at = now()",
        [URL],
    ).fetchone()
    assert row == (True,)


def test_a_producer_may_supply_the_id(producer: psycopg.Connection) -> None:
    chosen = UUID("5f0c1f9e-0000-4000-8000-000000000001")
    assert enqueue(producer, id=chosen) == chosen


def test_each_row_gets_an_id_of_its_own(producer: psycopg.Connection) -> None:
    assert enqueue(producer) != enqueue(producer)


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example/a.jpeg?X-Tos-Signature=abc#part",
        "http://localhost:9000/a.png",
        "HTTPS://IMAGES.EXAMPLE/A.JPEG",
        "https://[2001:db8::1]:8443/a.webp",
        "https://user:secret@images.example/a.jpeg",
        "https://images.example",
    ],
)
def test_http_urls_are_accepted(producer: psycopg.Connection, url: str) -> None:
    assert storyboard(producer, enqueue(producer, url))["source_url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "images.example/a.jpeg",
        "ftp://images.example/a.jpeg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)//https://images.example/a.jpeg",
        "https://",
        "https:///a.jpeg",
        "https://images.example/a b.jpeg",
        "https://images.example/a.jpeg\n",
        " https://images.example/a.jpeg",
        "x\nhttps://images.example/a.jpeg",
    ],
)
def test_anything_else_is_refused(producer: psycopg.Connection, url: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="storyboards_source_url_check"):
        enqueue(producer, url)


def test_a_row_without_url_is_refused(producer: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        producer.execute("INSERT INTO storyboards (project_id) VALUES ('p')")


def test_bulk_inserts_are_like_single_ones(producer: psycopg.Connection) -> None:
    producer.execute(
        "INSERT INTO storyboards (source_url, position) "
        "SELECT 'https://images.example/' || n, n FROM generate_series(1, 500) AS n"
    )
    row = producer.execute(
        "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE status = 'pending') "
        "FROM storyboards"
    ).fetchone()
    assert row == (500, 500, 500)


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_a_producer_may_delete_at_any_moment(producer: psycopg.Connection, status: str) -> None:
    storyboard_id = enqueue(producer)
    if status == "processing":
        producer.execute(
            "UPDATE storyboards SET status = 'processing', claim_token = gen_random_uuid(), "
            "claimed_by = 'worker-1', claimed_at = now(), lease_expires_at = now()"
        )
    delete(producer, storyboard_id)
    assert producer.execute("SELECT count(*) FROM storyboards").fetchone() == (0,)
