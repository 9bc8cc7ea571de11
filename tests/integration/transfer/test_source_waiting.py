"""Waits for a source that is slow, hangs, or is given up are bounded, and nothing is stored."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from storyboard_worker.demo.faults import Drip, Hang
from storyboard_worker.errors import AttemptCancelled
from storyboard_worker.wire.deadline import Deadline
from tests.support.stage import HASTY_SECONDS, PATIENT_SECONDS, PLENTY_SECONDS, Stage


def test_no_answer_is_a_timeout(hasty_stage: Stage, image: bytes, release: threading.Event) -> None:
    started = time.monotonic()
    error = hasty_stage.source_failure(hasty_stage.serve(image, [Hang(release)]))
    assert (error.code, error.upstream) == ("source_timeout", "127.0.0.1")
    assert HASTY_SECONDS <= time.monotonic() - started < PATIENT_SECONDS / 2


def test_a_body_that_stops_is_a_timeout(
    hasty_stage: Stage, image: bytes, release: threading.Event
) -> None:
    error = hasty_stage.source_failure(hasty_stage.serve(image, [Hang(release, "in_body")]))
    assert (error.code, error.upstream) == ("source_timeout", "127.0.0.1")


@pytest.mark.parametrize("bytes_per_chunk", [1, 500])
def test_a_slow_drip_ends_with_the_attempts_time(
    stage: Stage, image: bytes, bytes_per_chunk: int
) -> None:
    """The drip comes before the type is known, or in the middle of the upload."""
    # No wait takes longer than a moment, so only the deadline can end it.
    url = stage.serve(image, [Drip(bytes_per_chunk, seconds=0.05)])
    started = time.monotonic()
    error = stage.source_failure(url, seconds=0.5)
    assert (error.code, error.upstream) == ("attempt_timeout", "127.0.0.1")
    assert 0.5 <= time.monotonic() - started < PATIENT_SECONDS / 2


def test_the_deadline_ends_a_wait_for_the_answer(
    stage: Stage, image: bytes, release: threading.Event
) -> None:
    started = time.monotonic()
    error = stage.source_failure(stage.serve(image, [Hang(release)]), seconds=0.2)
    assert error.code == "attempt_timeout"
    assert time.monotonic() - started < PATIENT_SECONDS / 2


def test_an_attempt_whose_time_is_up_sends_no_request(stage: Stage, image: bytes) -> None:
    error = stage.source_failure(stage.serve(image), seconds=0)
    assert error.code == "attempt_timeout"
    assert stage.origin.requests == []


def test_a_cancelled_attempt_sends_no_request(stage: Stage, image: bytes) -> None:
    deadline = Deadline(PLENTY_SECONDS)
    deadline.cancel()
    with pytest.raises(AttemptCancelled):
        stage.copy(stage.serve(image), deadline=deadline)
    assert stage.origin.requests == []


def test_an_attempt_cancelled_while_its_source_is_awaited_ends(
    stage: Stage, image: bytes, release: threading.Event
) -> None:
    deadline = Deadline(PLENTY_SECONDS)
    url = stage.serve(image, [Hang(release)])
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(stage.copy, url, deadline=deadline)
        stage.origin.wait_for_requests(1)
        deadline.cancel()
        with pytest.raises(AttemptCancelled):
            copying.result(PATIENT_SECONDS / 2)
    stage.assert_nothing_stored()


def test_cancelling_in_the_middle_breaks_the_upload_off(
    stage: Stage, image: bytes, release: threading.Event
) -> None:
    deadline = Deadline(PLENTY_SECONDS)
    url = stage.serve(image, [Hang(release, "in_body")])
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(stage.copy, url, deadline=deadline)
        stage.cloudinary.wait_for_requests(1)
        deadline.cancel()
        with pytest.raises(AttemptCancelled):
            copying.result(PATIENT_SECONDS / 2)
    stage.cloudinary.wait_for_broken_off(1)
    assert stage.cloudinary.uploads == []


def test_after_a_failure_the_next_attempt_succeeds(
    hasty_stage: Stage, image: bytes, release: threading.Event
) -> None:
    url = hasty_stage.serve(image, [Hang(release, "in_body")])
    hasty_stage.source_failure(url)
    assert hasty_stage.copy(url).bytes == len(image)
    assert len(hasty_stage.cloudinary.uploads) == 1
