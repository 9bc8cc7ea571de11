"""What the CDN does with a picture, over real HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from storyboard_worker.demo.delivery import ACCOUNT_DISABLED, DELIVERY_REFUSED, SUBSTITUTE
from storyboard_worker.demo.faults import Answer, CloseBeforeAnswer, Hang, SourceFault
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.transfer.cdn import Cdn, Seen, Sight
from storyboard_worker.transfer.public_addresses import PublicResolver
from storyboard_worker.wire.deadline import Deadline
from tests.support.stage import Stage, transport

SECRET = "hunter2-hunter2"


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    with closing(Cdn(transport(), allow_http=True, redactor=Redactor([SECRET]))) as cdn:
        yield cdn


@pytest.fixture
def url(stage: Stage, small_image: bytes) -> str:
    return stage.copy(stage.serve(small_image)).cdn_url


def look_at(cdn: Cdn, url: str, seconds: float = 10.0) -> Seen:
    return cdn.look_at(url, Deadline(seconds))


def test_a_picture_that_is_served(cdn: Cdn, stage: Stage, url: str) -> None:
    assert look_at(cdn, url) == Seen(Sight.SERVED, "200")
    assert [request.method for request in stage.cloudinary.requests] == ["POST", "HEAD"]


def test_a_deleted_asset(cdn: Cdn, stage: Stage, url: str) -> None:
    (upload,) = stage.cloudinary.uploads
    stage.cloudinary.delivery.delete(upload.public_id)
    seen = look_at(cdn, url)
    assert seen.sight is Sight.REFUSED
    assert seen.reason.startswith("404: Resource not found - /demo/image/upload/")


REFUSALS = [
    (ACCOUNT_DISABLED, "401: disabled account"),
    (DELIVERY_REFUSED, "401: deny or ACL failure"),
    (SUBSTITUTE, "200: Resource not found"),
    *((Answer(status), str(status)) for status in (400, 401, 403, 404, 410, 420, 451)),
]


@pytest.mark.parametrize(("fault", "reason"), REFUSALS)
def test_what_is_refused(cdn: Cdn, stage: Stage, url: str, fault: SourceFault, reason: str) -> None:
    stage.cloudinary.delivery.misbehave(fault)
    assert look_at(cdn, url) == Seen(Sight.REFUSED, reason)
    assert look_at(cdn, url).sight is Sight.SERVED


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_says_nothing_of_the_picture(cdn: Cdn, stage: Stage, url: str, status: int) -> None:
    stage.cloudinary.delivery.misbehave(Answer(status))
    assert look_at(cdn, url) == Seen(Sight.UNANSWERED, str(status))


@pytest.mark.parametrize("status", [405, 501])
def test_a_cdn_that_knows_no_head(cdn: Cdn, stage: Stage, url: str, status: int) -> None:
    stage.cloudinary.delivery.misbehave(Answer(status))
    assert look_at(cdn, url).sight is Sight.UNKNOWN


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(cdn: Cdn, stage: Stage, url: str, status: int) -> None:
    elsewhere = stage.origin.sign("panel.jpg")
    asked_before = len(stage.origin.requests)
    stage.cloudinary.delivery.misbehave(Answer(status, headers={"Location": elsewhere}))
    assert look_at(cdn, url).sight is Sight.UNKNOWN
    assert len(stage.origin.requests) == asked_before


def test_a_broken_connection(cdn: Cdn, stage: Stage, url: str) -> None:
    stage.cloudinary.delivery.misbehave(CloseBeforeAnswer())
    seen = look_at(cdn, url)
    assert seen.sight is Sight.UNANSWERED
    assert seen.reason.startswith("no answer (")


def test_a_cdn_that_hangs_costs_no_more_than_the_deadline(cdn: Cdn, stage: Stage, url: str) -> None:
    until = threading.Event()
    stage.cloudinary.delivery.misbehave(Hang(until))
    began = time.monotonic()
    assert look_at(cdn, url, 0.3) == Seen(Sight.UNANSWERED, "no answer in time")
    assert time.monotonic() - began < 10
    until.set()


def test_what_the_cdn_says_is_redacted_and_one_short_line(cdn: Cdn, stage: Stage, url: str) -> None:
    said = f"{SECRET} https://a.example/b?X-Amz-Signature=abc " + "x" * 1000
    stage.cloudinary.delivery.misbehave(Answer(401, headers={"X-Cld-Error": said}))
    reason = look_at(cdn, url).reason
    assert reason.startswith("401: [")
    assert SECRET not in reason
    assert "abc" not in reason
    assert len(reason) < 320


@pytest.mark.parametrize(
    "url",
    [
        *("", "no url", "ftp://a.example/b", "https://", "https://a:b@images.example/c"),
        "https://images.example/" + "a" * 20_000,
    ],
)
def test_what_cannot_be_asked(cdn: Cdn, url: str) -> None:
    assert look_at(cdn, url).sight is Sight.UNKNOWN


class TestGuard:
    """A row may hold the address of anything."""

    @pytest.fixture
    def cdn(self) -> Iterator[Cdn]:
        guarded = transport(PublicResolver(allow_private=False))
        with closing(Cdn(guarded, allow_http=False, redactor=Redactor())) as cdn:
            yield cdn

    def test_http_is_not_asked(self, cdn: Cdn, stage: Stage, url: str) -> None:
        assert look_at(cdn, url) == Seen(
            Sight.UNKNOWN, "not asked: the scheme 'http' is not allowed"
        )
        assert [request.method for request in stage.cloudinary.requests] == ["POST"]

    def test_a_private_address_is_not_asked(self, cdn: Cdn, stage: Stage, url: str) -> None:
        seen = look_at(cdn, url.replace("http:", "https:"))
        assert seen.sight is Sight.UNKNOWN
        assert "has no public address" in seen.reason
        assert [request.method for request in stage.cloudinary.requests] == ["POST"]
