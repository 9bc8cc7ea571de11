"""The four ends of a claim; each sets every column of the new state."""

from dataclasses import asdict

import psycopg
import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.queries.columns import MAX_MESSAGE_CHARACTERS
from storyboard_worker.storyboard import Claim
from tests.integration.queries.working import (
    EVENT_ID,
    IMAGE,
    TIMEOUT,
    claim_any,
    claim_new,
    seconds_from_now,
)
from tests.support.producing import (
    ERROR,
    NO_CLAIM,
    NO_ERROR,
    enqueue,
    moment,
    storyboard,
)


@pytest.fixture
def claim(queue: StoryboardQueue, producer: psycopg.Connection) -> Claim:
    """The third attempt of a row that has failed before."""
    return claim_new(queue, producer, attempts=2, **ERROR)


def test_complete(queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim) -> None:
    before = storyboard(producer, claim.id)
    queue.complete(claim, IMAGE)
    row = storyboard(producer, claim.id)
    assert row == {
        **before,
        **NO_CLAIM,
        **NO_ERROR,
        **asdict(IMAGE),
        "status": "ready",
        "picture_url": IMAGE.cdn_url,
        "picture_public_id": IMAGE.public_id,
        "copy_seconds": (row["updated_at"] - before["claimed_at"]).total_seconds(),
        "finished_at": row["updated_at"],
        "updated_at": row["updated_at"],
    }
    assert row["updated_at"] > before["updated_at"]


def test_retry(queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim) -> None:
    before = storyboard(producer, claim.id)
    queue.retry(claim, TIMEOUT, delay_seconds=90, sentry_event_id=EVENT_ID)
    row = storyboard(producer, claim.id)
    assert row == {
        **before,
        **NO_CLAIM,
        "status": "pending",
        "error_code": "source_timeout",
        "error_message": "no byte within 30 s",
        "errored_at": row["updated_at"],
        "sentry_event_id": EVENT_ID,
        "available_at": row["available_at"],
        "updated_at": row["updated_at"],
    }
    assert row["attempts"] == 3
    assert (row["available_at"] - row["errored_at"]).total_seconds() == 90


def test_fail(queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim) -> None:
    before = storyboard(producer, claim.id)
    queue.fail(claim, TIMEOUT, sentry_event_id=EVENT_ID)
    row = storyboard(producer, claim.id)
    assert row == {
        **before,
        **NO_CLAIM,
        "status": "failed",
        "error_code": "source_timeout",
        "error_message": "no byte within 30 s",
        "errored_at": row["updated_at"],
        "sentry_event_id": EVENT_ID,
        "finished_at": row["updated_at"],
        "updated_at": row["updated_at"],
    }


def test_release(queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim) -> None:
    before = storyboard(producer, claim.id)
    limited = AttemptError(ErrorCode.SOURCE_RATE_LIMITED, "429", upstream="images.example")
    queue.release(claim, limited, delay_seconds=30)
    row = storyboard(producer, claim.id)
    assert row == {
        **before,
        **NO_CLAIM,
        "status": "pending",
        "attempts": 2,
        "error_code": "source_rate_limited",
        "error_message": "429",
        "errored_at": row["updated_at"],
        "sentry_event_id": None,
        "available_at": row["available_at"],
        "updated_at": row["updated_at"],
    }
    assert (row["available_at"] - row["errored_at"]).total_seconds() == 30


def test_without_an_event_the_old_one_does_not_stay(
    queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim
) -> None:
    queue.fail(claim, TIMEOUT, sentry_event_id=None)
    assert storyboard(producer, claim.id)["sentry_event_id"] is None


def test_a_retry_without_delay_is_due_at_once(
    queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim
) -> None:
    queue.retry(claim, TIMEOUT, delay_seconds=0)
    assert seconds_from_now(producer, claim.id, "available_at") <= 0
    assert [again.attempt for again in claim_any(queue, 1)] == [4]


def test_only_the_row_of_the_claim_is_finished(
    queue: StoryboardQueue, producer: psycopg.Connection, claim: Claim
) -> None:
    other = claim_new(queue, producer)
    waiting = enqueue(producer, available_at=moment(producer, 60))
    before = [storyboard(producer, id_) for id_ in (other.id, waiting)]
    queue.complete(claim, IMAGE)
    assert [storyboard(producer, id_) for id_ in (other.id, waiting)] == before


@pytest.mark.parametrize(
    ("message", "stored"),
    [
        ("nul\x00 in the middle", "nul in the middle"),
        ("x" * (MAX_MESSAGE_CHARACTERS + 500), "x" * MAX_MESSAGE_CHARACTERS),
        (
            "403 for https://images.example/a.jpeg?X-Tos-Signature=geheim",
            "403 for https://images.example/a.jpeg",
        ),
        ("日本語 🖼", "日本語 🖼"),
    ],
)
def test_the_words_of_an_upstream_are_made_fit_to_be_kept(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    claim: Claim,
    message: str,
    stored: str,
) -> None:
    error = AttemptError(ErrorCode.STORAGE_REJECTED, message)
    queue.fail(claim, error, sentry_event_id=None)
    assert storyboard(producer, claim.id)["error_message"] == stored
