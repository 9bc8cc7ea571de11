"""The error code of each status of the source."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from storyboard_worker.demo.faults import Answer
from tests.support.stage import Stage

TABLE = [
    (401, "source_unauthorized"),
    (404, "source_not_found"),
    (410, "source_not_found"),
    (408, "source_timeout"),
    (409, "source_unavailable"),
    (423, "source_unavailable"),
    (425, "source_unavailable"),
    (428, "source_unavailable"),
    (429, "source_rate_limited"),
    (400, "source_rejected"),
    (402, "source_rejected"),
    (405, "source_rejected"),
    (418, "source_rejected"),
    (451, "source_rejected"),
    (499, "source_rejected"),
    (300, "source_rejected"),
    (304, "source_rejected"),
    (305, "source_rejected"),
    (500, "source_unavailable"),
    (502, "source_unavailable"),
    (503, "source_unavailable"),
    (504, "source_unavailable"),
    (599, "source_unavailable"),
    (201, "image_truncated"),
    (202, "image_truncated"),
    (204, "image_truncated"),
    (206, "image_truncated"),
]


@pytest.mark.parametrize(("status", "code"), TABLE)
def test_each_status_has_its_code(stage: Stage, small_image: bytes, status: int, code: str) -> None:
    body = b"" if status in {204, 304} else b"<html>no image</html>"
    error = stage.source_failure(stage.serve(small_image, [Answer(status, body)]))
    assert (error.code, error.http_status) == (code, status)
    assert error.upstream == "127.0.0.1"
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("link_has_expired", "code"), [(True, "source_expired"), (False, "source_forbidden")]
)
def test_403_depends_on_the_expiry(
    stage: Stage, small_image: bytes, *, link_has_expired: bool, code: str
) -> None:
    url = stage.serve(small_image, [Answer(403, b"<Error/>")])
    error = stage.source_failure(url, link_has_expired=link_has_expired)
    assert (error.code, error.http_status) == (code, 403)


def test_a_link_that_the_source_itself_finds_expired(stage: Stage, small_image: bytes) -> None:
    stage.serve(small_image)
    url = stage.origin.sign("panel.jpg", expires_seconds=0)
    assert stage.source_failure(url, link_has_expired=True).code == "source_expired"


def test_a_tampered_signature_is_forbidden(stage: Stage, small_image: bytes) -> None:
    url = stage.serve(small_image).replace("X-Tos-Signature=", "X-Tos-Signature=0")
    assert stage.source_failure(url).code == "source_forbidden"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_statuses_of_stores_for_an_expired_link(
    stage: Stage, small_image: bytes, status: int
) -> None:
    url = stage.serve(small_image, [Answer(status, b"<Error/>")])
    assert stage.source_failure(url, link_has_expired=True).code == "source_expired"


@pytest.mark.parametrize(
    ("status", "code"), [(410, "source_not_found"), (503, "source_unavailable")]
)
def test_other_statuses_keep_their_code_after_the_expiry(
    stage: Stage, small_image: bytes, status: int, code: str
) -> None:
    url = stage.serve(small_image, [Answer(status)])
    assert stage.source_failure(url, link_has_expired=True).code == code


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("raw", "seconds"), [("17", 17), ("tomorrow", None), ("", None)])
def test_retry_after_is_kept(
    stage: Stage, small_image: bytes, status: int, raw: str, seconds: float | None
) -> None:
    url = stage.serve(small_image, [Answer(status, b"", {"Retry-After": raw})])
    assert stage.source_failure(url).retry_after_seconds == seconds


def test_retry_after_may_be_a_date(stage: Stage, small_image: bytes) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    error = stage.source_failure(
        stage.serve(small_image, [Answer(429, b"", {"Retry-After": moment})])
    )
    assert error.retry_after_seconds is not None
    assert 95 < error.retry_after_seconds <= 101


def test_the_error_never_holds_the_signature(stage: Stage, small_image: bytes) -> None:
    url = stage.serve(small_image, [Answer(503)])
    error = stage.source_failure(url)
    assert "Signature" not in f"{error} {error!r}"
