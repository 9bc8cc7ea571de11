"""Deletions over real HTTP, as the stand-in for Cloudinary checks them."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from storyboard_worker.demo.faults import AlterAnswer, Answer, CloseBeforeAnswer, Hang
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.transfer.deletion import MOST_IDS, Deletion, Fate
from storyboard_worker.wire.deadline import Deadline
from tests.support.stage import Stage, cloudinary_settings, transport

PLENTY_SECONDS = 30.0


@pytest.fixture
def deletion(stage: Stage) -> Iterator[Deletion]:
    settings = cloudinary_settings(stage.cloudinary)
    with closing(Deletion(transport(), settings)) as deletion:
        yield deletion


def failure(deletion: Deletion, ids: list[str], seconds: float = PLENTY_SECONDS) -> AttemptError:
    with pytest.raises(AttemptError) as raised:
        deletion.delete(ids, Deadline(seconds))
    return raised.value


def test_each_picture_has_its_fate_and_the_cdn_forgets_it(
    stage: Stage, deletion: Deletion, small_image: bytes
) -> None:
    odd = "storyboards/a, b/ü\U0001f3a8"
    stage.cloudinary.put(["a", odd, "kept"], small_image)
    fates = deletion.delete(["a", odd, "b"], Deadline(PLENTY_SECONDS))
    assert fates == {"a": Fate.DELETED, odd: Fate.DELETED, "b": Fate.NOT_FOUND}
    assert [done.invalidate for done in stage.cloudinary.deletions] == [True]
    assert stage.cloudinary.asset("a") is None
    assert stage.cloudinary.asset("kept") is not None


def part(cursor: str, derived: int = 0, **changed: object) -> AlterAnswer:
    counts = {"a": {"original": 0, "derived": derived}}
    told = {"partial": True, "next_cursor": cursor, "deleted_counts": counts, **changed}
    return AlterAnswer(changed=told)


def test_it_asks_on_where_one_call_did_a_part(
    stage: Stage, deletion: Deletion, small_image: bytes
) -> None:
    stage.cloudinary.put(["a"], small_image)
    for number in range(3):
        stage.cloudinary.misbehave_at_deletions(part(f"c{number}", derived=1000))
    assert deletion.delete(["a"], Deadline(PLENTY_SECONDS)) == {"a": Fate.DELETED}
    assert len(stage.cloudinary.deletions) == 4


@pytest.mark.parametrize("derived", [0, 1000])
def test_it_does_not_ask_on_when_nothing_more_is_deleted(
    stage: Stage, deletion: Deletion, small_image: bytes, derived: int
) -> None:
    stage.cloudinary.put(["a"], small_image)
    stage.cloudinary.misbehave_at_deletions(part("always", derived), times=None)
    assert deletion.delete(["a"], Deadline(PLENTY_SECONDS)) == {"a": Fate.DELETED}
    assert len(stage.cloudinary.deletions) == 2


@pytest.mark.parametrize("deleted", [{}, {"another": "deleted"}])
def test_a_part_that_never_comes_may_be_asked_for_later(
    stage: Stage, deletion: Deletion, deleted: dict[str, str]
) -> None:
    stage.cloudinary.misbehave_at_deletions(part("always", deleted=deleted), times=None)
    error = failure(deletion, ["a"])
    assert error.code is ErrorCode.STORAGE_UNAVAILABLE
    assert "deletes nothing more" in error.message
    assert len(stage.cloudinary.deletions) == 1


def test_more_than_a_hundred_are_refused(stage: Stage, deletion: Deletion) -> None:
    error = failure(deletion, [str(number) for number in range(MOST_IDS + 1)])
    assert (error.code, error.http_status) == (ErrorCode.STORAGE_REJECTED, 400)


def test_wrong_credentials(stage: Stage) -> None:
    settings = replace(cloudinary_settings(stage.cloudinary), api_secret="another-secret")
    with closing(Deletion(transport(), settings)) as deletion:
        error = failure(deletion, ["a"])
    assert (error.code, error.http_status) == (ErrorCode.STORAGE_UNAUTHORIZED, 401)


def test_when_the_limit_ends(stage: Stage, deletion: Deletion) -> None:
    limit = {
        "X-FeatureRateLimit-Remaining": "0",
        "X-FeatureRateLimit-Reset": "Wed, 30 Dec 2099 10:00:00 GMT",
    }
    told = []
    for headers in (limit, {**limit, "Retry-After": "5"}, {}):
        stage.cloudinary.misbehave_at_deletions(Answer(420, headers=headers))
        error = failure(deletion, ["a"])
        assert error.code is ErrorCode.STORAGE_RATE_LIMITED
        told.append(error.retry_after_seconds)
    assert told[0] is not None
    assert told[0] > 1_000_000_000
    assert told[1:] == [5, None]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, "<h1>Internal Server Error</h1>"),
        Answer(200, "<h1>Welcome</h1>"),
        Answer(200, {"deleted": "yes"}),
        CloseBeforeAnswer(),
    ],
)
def test_what_says_nothing_may_be_asked_again(
    stage: Stage, deletion: Deletion, fault: Answer
) -> None:
    stage.cloudinary.misbehave_at_deletions(fault)
    assert failure(deletion, ["a"]).code is ErrorCode.STORAGE_UNAVAILABLE


def test_no_answer_ends_with_the_deadline(
    stage: Stage, deletion: Deletion, release: threading.Event
) -> None:
    stage.cloudinary.misbehave_at_deletions(Hang(release))
    assert failure(deletion, ["a"], seconds=0.2).code is ErrorCode.ATTEMPT_TIMEOUT
