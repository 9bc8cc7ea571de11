"""A transfer whose request was sent before its slot's thread had the row."""

from dataclasses import replace

from storyboard_worker.demo.faults import Answer
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.wire.transport import Begun
from tests.support.stage import PLENTY_SECONDS, Stage, claim_of, transport


def begin(stage: Stage, url: str, deadline: Deadline) -> Begun | None:
    return stage.transfer.begin(claim_of(url), deadline)


def test_the_image_is_asked_for_once(stage: Stage, small_image: bytes) -> None:
    stage.copy(stage.serve(small_image, name="first.jpg"))
    url = stage.serve(small_image, name="second.jpg")
    deadline = Deadline(PLENTY_SECONDS)
    begun = begin(stage, url, deadline)
    assert begun is not None
    stored = stage.transfer.copy(Attempt(claim_of(url), deadline, begun=begun))
    assert stored.bytes == len(small_image)
    assert len(stage.origin.requests) == 2


def test_a_redirect_is_followed(stage: Stage, small_image: bytes) -> None:
    stage.copy(stage.serve(small_image, name="first.jpg"))
    target = stage.serve(small_image, name="target.jpg")
    url = stage.serve(b"", [Answer(302, headers={"Location": target})], name="moved.jpg")
    deadline = Deadline(PLENTY_SECONDS)
    begun = begin(stage, url, deadline)
    assert begun is not None
    assert stage.transfer.copy(Attempt(claim_of(url), deadline, begun=begun)).bytes
    assert len(stage.origin.requests) == 3


def test_a_link_that_has_expired_is_not_asked(stage: Stage, small_image: bytes) -> None:
    url = stage.serve(small_image)
    stage.copy(url)
    expired = replace(claim_of(url), seconds_until_expiry=0.0)
    assert stage.transfer.begin(expired, Deadline(PLENTY_SECONDS)) is None
    assert len(stage.origin.requests) == 1


def test_a_url_that_may_not_be_asked_is_left_to_the_attempt(
    stage: Stage, small_image: bytes
) -> None:
    url = stage.serve(small_image)
    stage.copy(url)
    shared = transport()
    stage.use(shared)
    stage.copy(url)
    stage.use(shared, allow_http=False)
    assert begin(stage, url, Deadline(PLENTY_SECONDS)) is None
    assert begin(stage, "no url", Deadline(PLENTY_SECONDS)) is None
    assert len(stage.origin.requests) == 2


def test_a_host_without_an_idle_connection_is_left_to_the_attempt(
    stage: Stage, small_image: bytes
) -> None:
    url = stage.serve(small_image)
    assert begin(stage, url, Deadline(PLENTY_SECONDS)) is None
    assert stage.copy(url).bytes == len(small_image)
