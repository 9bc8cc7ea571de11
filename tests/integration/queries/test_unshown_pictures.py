"""A picture that was stored for a claim that is lost is listed, because no trigger sees it."""

from dataclasses import replace

import psycopg
import pytest

from storyboard_worker.errors import LeaseLost
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Claim, StoredImage, public_id
from tests.integration.queries.working import IMAGE, TIMEOUT, claim_any, claim_new
from tests.support.orphans import listed
from tests.support.producing import OTHER_URL, change, delete


def stored_for(claim: Claim) -> StoredImage:
    return replace(IMAGE, public_id=public_id("storyboards", claim.id, claim.source_url))


def lose(queue: StoryboardQueue, claim: Claim) -> str:
    """The late end of a claim that is lost; the public id of what was stored."""
    image = stored_for(claim)
    with pytest.raises(LeaseLost):
        queue.complete(claim, image)
    return image.public_id


def reasons(producer: psycopg.Connection) -> dict[str, str]:
    return dict(producer.execute("SELECT public_id, reason FROM storyboard_orphans").fetchall())


def test_of_a_row_that_was_deleted(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    claim = claim_new(queue, producer)
    delete(producer, claim.id)
    picture = lose(queue, claim)
    assert reasons(producer) == {picture: "deleted"}


def test_of_a_row_that_got_another_image(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    claim = claim_new(queue, producer)
    change(producer, claim.id, source_url=OTHER_URL)
    picture = lose(queue, claim)
    assert reasons(producer) == {picture: "replaced"}


def test_of_a_row_whose_next_worker_stores_the_same_picture(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """It leaves the list when the row is ready, and is none while the row shows it."""
    claim = claim_new(queue, producer)
    change(producer, claim.id, status="pending")
    [next_claim] = claim_any(queue, 1)
    picture = lose(queue, claim)
    assert reasons(producer) == {picture: "replaced"}
    queue.complete(next_claim, stored_for(next_claim))
    assert reasons(producer) == {}
    lose(queue, claim)
    assert reasons(producer) == {}


def test_an_error_lists_nothing(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    claim = claim_new(queue, producer)
    delete(producer, claim.id)
    with pytest.raises(LeaseLost):
        queue.retry(claim, TIMEOUT, delay_seconds=1)
    assert listed(producer) == set()


def test_what_the_database_does_not_take_is_listed_later(
    queue: StoryboardQueue, producer: psycopg.Connection, dsn: str
) -> None:
    claim, other = claim_new(queue, producer), claim_new(queue, producer)
    delete(producer, claim.id)
    image = stored_for(claim)
    with psycopg.connect(dsn) as blocker:
        insert_orphan(blocker, image.public_id)
        lose(queue, claim)
        blocker.rollback()
    assert listed(producer) == set()
    queue.complete(other, stored_for(other))
    assert listed(producer) == {image.public_id}


def insert_orphan(connection: psycopg.Connection, public_id: str) -> None:
    connection.execute(
        "INSERT INTO storyboard_orphans (public_id, reason) VALUES (%s, 'deleted')", [public_id]
    )
