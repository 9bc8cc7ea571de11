"""Completions that are written together share a transaction, but not their results."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from storyboard_worker.errors import DatabaseUnavailable, LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim
from tests.integration.queries.working import IMAGE, claim_new
from tests.support.producing import OTHER_URL, storyboard


@pytest.fixture
def claims(queue: StoryboardQueue, producer: psycopg.Connection) -> list[Claim]:
    return [claim_new(queue, producer) for _ in range(3)]


@pytest.fixture
def locking(dsn: str) -> Iterator[psycopg.Connection]:
    """A producer's transaction that is still open."""
    with psycopg.connect(dsn) as connection:
        yield connection


def test_each_row_gets_its_own_image(
    queue: StoryboardQueue, producer: psycopg.Connection, claims: list[Claim]
) -> None:
    images = [replace(IMAGE, etag=str(number)) for number in range(3)]
    verdicts, _ = queue.end_all(list(zip(claims, images, strict=True)))
    assert verdicts == [None, None, None]
    found = [storyboard(producer, claim.id) for claim in claims]
    assert [(row["status"], row["etag"]) for row in found] == [
        ("ready", "0"),
        ("ready", "1"),
        ("ready", "2"),
    ]


def test_a_lost_row_costs_the_others_nothing(
    queue: StoryboardQueue, producer: psycopg.Connection, claims: list[Claim]
) -> None:
    lost = claims[1]
    producer.execute("UPDATE storyboards SET source_url = %s WHERE id = %s", [OTHER_URL, lost.id])
    verdicts, _ = queue.end_all([(claim, IMAGE) for claim in claims])
    assert [type(verdict) for verdict in verdicts] == [type(None), LeaseLost, type(None)]
    assert storyboard(producer, lost.id)["status"] == "pending"


def test_a_locked_row_waits_alone(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    claims: list[Claim],
    locking: psycopg.Connection,
) -> None:
    locked = claims[0]
    locking.execute("SELECT 1 FROM storyboards WHERE id = %s FOR UPDATE", [locked.id])
    verdicts, _ = queue.end_all([(claim, IMAGE) for claim in claims])
    assert [type(verdict) for verdict in verdicts] == [DatabaseUnavailable, type(None), type(None)]
    assert storyboard(producer, locked.id)["status"] == "processing"
    locking.rollback()
    queue.complete(locked, IMAGE)
    assert storyboard(producer, locked.id)["status"] == "ready"
