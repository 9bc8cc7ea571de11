"""The durations between the moments of an attempt."""

from storyboard_worker.timings import Timings


def test_the_source_has_the_time_to_its_first_byte_and_the_storage_that_after_the_last() -> None:
    timings = Timings(0.0, asked_at=1.0, first_byte_at=1.5, last_byte_at=4.0, stored_at=6.0)
    assert (timings.source_seconds, timings.storage_seconds) == (0.5, 2.0)


def test_steps_that_did_not_happen_took_no_time() -> None:
    assert Timings().source_seconds is None
    assert Timings(0.0, asked_at=1.0, first_byte_at=2.0).storage_seconds is None
