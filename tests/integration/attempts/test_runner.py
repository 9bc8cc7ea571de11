"""What each end of an attempt writes into its row."""

from datetime import UTC, datetime, timedelta

import pytest

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.demo.faults import Answer, CutFile, SourceFault
from storyboard_worker.demo.pictures import random_image
from storyboard_worker.errors import ErrorCode
from tests.support.attempting import Bench
from tests.support.producing import (
    NO_CLAIM,
    NO_ERROR,
    NO_OUTCOME,
    change,
    enqueue,
    only,
)

IMAGE = random_image(5_000, "JPEG", seed=2)


def test_ready_holds_what_cloudinary_said(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE))
    ended = bench.run(claim)
    row = bench.row(claim)
    assert (ended.outcome, ended.error) == (Outcome.READY, None)
    asset = bench.stage.cloudinary.asset(row["public_id"])
    assert asset is not None
    assert asset.body == IMAGE
    assert only(row, {"status": 0, "attempts": 0, "bytes": 0, "etag": 0, "format": 0}) == {
        "status": "ready",
        "attempts": 1,
        "bytes": len(IMAGE),
        "etag": asset.md5_hex,
        "format": "jpg",
    }
    assert row["cdn_url"] == ended.cdn_url
    assert row["cdn_url"].startswith(bench.stage.cloudinary.url)
    assert row["finished_at"] is not None
    assert only(row, NO_CLAIM | NO_ERROR) == NO_CLAIM | NO_ERROR


def test_ready_clears_the_error_of_an_earlier_attempt(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(503)]))
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.READY
    row = bench.row(claim)
    assert (row["attempts"], only(row, NO_ERROR)) == (2, NO_ERROR)


def test_a_transient_error_waits_with_its_error_for_a_later_attempt(bench: Bench) -> None:
    fault = Answer(503, b"", {"Retry-After": "40"})
    claim = bench.claim(bench.stage.serve(IMAGE, [fault]))
    ended = bench.run(claim)
    row = bench.row(claim)
    assert ended.outcome is Outcome.RETRIED
    assert (row["status"], row["attempts"]) == ("pending", 1)
    assert (row["error_code"], row["error_message"]) == (
        "source_unavailable",
        "the source answers 503",
    )
    assert row["sentry_event_id"] is None
    assert bench.waits_seconds(claim) == pytest.approx(40)
    assert only(row, NO_CLAIM | NO_OUTCOME) == NO_CLAIM | NO_OUTCOME


def test_the_delay_grows_with_the_attempts(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [CutFile(4_000, always=True)]))
    delays = []
    for attempt in range(1, 8):
        bench.run(claim if attempt == 1 else bench.claim_again(claim.id))
        delays.append(bench.waits_seconds(claim))
        row = bench.row(claim)
        assert (row["attempts"], row["own_errors"]) == (attempt, attempt)
    bounds = [2, 6, 18, 54, 162, 486, 600]
    assert all(0 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert max(delays) > 18


def test_the_last_attempt_fails(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(500, always=True)]), max_attempts=2)
    assert bench.run(claim).outcome is Outcome.RETRIED
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.FAILED
    row = bench.row(claim)
    assert (row["status"], row["attempts"], row["error_code"]) == (
        "failed",
        2,
        "source_unavailable",
    )
    assert row["finished_at"] is not None


def test_a_permanent_error_fails_at_once(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(410)]))
    ended = bench.run(claim)
    row = bench.row(claim)
    assert ended.outcome is Outcome.FAILED
    assert (row["status"], row["attempts"], row["error_code"]) == ("failed", 1, "source_not_found")
    assert only(row, NO_CLAIM | NO_OUTCOME) == NO_CLAIM | NO_OUTCOME


def test_a_doubtful_error_fails_at_the_third_attempt(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(403, always=True)]))
    outcomes = [bench.run(claim).outcome]
    outcomes += [bench.run(bench.claim_again(claim.id)).outcome for _ in range(2)]
    assert outcomes == [Outcome.RETRIED, Outcome.RETRIED, Outcome.FAILED]
    row = bench.row(claim)
    assert (row["error_code"], row["own_errors"]) == ("source_forbidden", 2)


def test_a_new_object_that_the_store_does_not_show_yet_is_asked_for_again(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(404, always=True)]))
    waited_seconds = 0.0
    for attempt in range(1, 5):
        ended = bench.run(claim if attempt == 1 else bench.claim_again(claim.id))
        assert ended.outcome is Outcome.RETRIED
        waited_seconds += bench.waits_seconds(claim)
    assert waited_seconds >= 60
    assert bench.run(bench.claim_again(claim.id)).outcome is Outcome.FAILED
    row = bench.row(claim)
    assert (row["attempts"], row["error_code"]) == (5, "source_not_found")


def test_an_outage_costs_a_row_no_error_of_its_own(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(503, always=True)]), attempts=40)
    assert bench.run(claim).outcome is Outcome.RETRIED
    row = bench.row(claim)
    assert (row["attempts"], row["own_errors"]) == (41, 0)
    assert bench.waits_seconds(claim) <= 600


@pytest.mark.parametrize(
    ("seconds_ago", "outcome"), [(86_000, Outcome.RETRIED), (86_400, Outcome.FAILED)]
)
def test_an_outage_is_borne_for_a_day_where_no_expiry_is_known(
    bench: Bench, seconds_ago: float, outcome: Outcome
) -> None:
    url = bench.stage.serve(IMAGE, [Answer(503, always=True)])
    set_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    storyboard_id = enqueue(bench.producer, url, attempts=40, source_set_at=set_at)
    change(bench.producer, storyboard_id, source_expires_at=None)
    claim = bench.claim_again(storyboard_id)
    assert claim.seconds_until_expiry is None
    assert bench.run(claim).outcome is outcome
    assert bench.row(claim)["error_code"] == "source_unavailable"


def test_a_rate_limit_gives_the_attempt_back_and_pauses_the_source(bench: Bench) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [Answer(429, b"", {"Retry-After": "9"})]))
    ended = bench.run(claim)
    row = bench.row(claim)
    assert ended.outcome is Outcome.RELEASED
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert row["error_code"] == "source_rate_limited"
    assert bench.waits_seconds(claim) == pytest.approx(9)
    assert bench.breakers.shut_sources() == {claim.upstream}


def test_a_wrong_secret_gives_the_attempt_back_and_pauses_storage(bench: Bench) -> None:
    bench.stage.cloudinary.api_secret = "another"
    claim = bench.claim(bench.stage.serve(IMAGE))
    assert bench.run(claim).outcome is Outcome.RELEASED
    row = bench.row(claim)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert row["error_code"] == "storage_unauthorized"
    assert bench.waits_seconds(claim) == pytest.approx(30)
    assert bench.breakers.storage_is_shut


def test_a_link_that_had_expired_is_not_asked(bench: Bench) -> None:
    bench.stage.serve(IMAGE)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    url = bench.stage.origin.sign("panel.jpg", expires_seconds=60, signed_at=long_ago)
    claim = bench.claim(url)
    assert bench.run(claim).outcome is Outcome.FAILED
    assert bench.row(claim)["error_code"] == "source_expired"
    assert bench.stage.origin.requests == []


def test_a_403_after_the_expiry_means_expired(bench: Bench) -> None:
    # The link expires between the claim and the answer.
    bench.stage.origin.delay_seconds = 1.1
    claim = bench.claim(
        bench.stage.serve(IMAGE, [Answer(403)]),
        source_expires_at=datetime.now(UTC) + timedelta(seconds=1),
    )
    assert bench.run(claim).outcome is Outcome.FAILED
    assert bench.row(claim)["error_code"] == "source_expired"
    assert len(bench.stage.origin.requests) == 1


def test_an_expiry_that_leaves_no_time_fails_with_the_last_error(bench: Bench) -> None:
    claim = bench.claim(
        bench.stage.serve(IMAGE, [Answer(503)]),
        source_expires_at=datetime.now(UTC) + timedelta(seconds=4),
    )
    assert bench.run(claim).outcome is Outcome.FAILED
    assert bench.row(claim)["error_code"] == "source_unavailable"


def test_five_rows_that_find_the_source_down_open_its_breaker_and_count_as_attempts(
    bench: Bench,
) -> None:
    url = bench.stage.serve(IMAGE, [Answer(502, always=True)])
    claims = [bench.claim(url) for _ in range(5)]
    assert [bench.run(claim).outcome for claim in claims] == [Outcome.RETRIED] * 5
    assert [bench.row(claim)["attempts"] for claim in claims] == [1] * 5
    assert 0 < bench.breakers.paused_seconds()[claims[0].upstream] <= 2


def test_the_last_storage_mismatch_leaves_no_image_on_the_row(bench: Bench) -> None:
    bench.stage.cloudinary.misbehave(Answer(200, {"secure_url": "https://cdn.invalid/a"}))
    claim = bench.claim(bench.stage.serve(IMAGE), max_attempts=1)
    ended = bench.run(claim)
    row = bench.row(claim)
    assert ended.error is not None
    assert ended.error.code is ErrorCode.STORAGE_UNAVAILABLE
    assert (row["status"], only(row, NO_OUTCOME)) == ("failed", NO_OUTCOME)


@pytest.mark.parametrize(
    ("columns", "fault", "outcome"),
    [
        ({"attempts": 1, "max_attempts": 2}, Answer(503), Outcome.RETRIED),
        ({"attempts": 2, "max_attempts": 2}, Answer(503), Outcome.FAILED),
        ({"attempts": 7, "own_errors": 7}, CutFile(1000), Outcome.RETRIED),
        ({"attempts": 8, "own_errors": 8}, CutFile(1000), Outcome.FAILED),
    ],
)
def test_attempts_that_were_lost_with_a_worker_do_not_count_for_the_limit(
    bench: Bench, columns: dict[str, int], fault: SourceFault, outcome: Outcome
) -> None:
    claim = bench.claim(bench.stage.serve(IMAGE, [fault]), workers_lost=1, **columns)
    assert bench.run(claim).outcome is outcome
    # They are given back by an end that another attempt follows.
    given_back = outcome is Outcome.RETRIED
    assert bench.row(claim)["attempts"] == columns["attempts"] + 1 - given_back
