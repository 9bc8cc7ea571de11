"""Some failures are told in full, and the others are counted."""

from uuid import uuid4

import pytest

from storyboard_worker.errors import ErrorCode
from storyboard_worker.reporting.event_throttle import (
    FULL_EVENTS,
    FULL_EVERY_SECONDS,
    SUMMARY_AFTER_SECONDS,
    SUMMARY_IDS,
    Cause,
    EventThrottle,
)
from tests.support.clock import Clock

CAUSE = Cause(ErrorCode.SOURCE_NOT_FOUND, "images.example")
OTHER = Cause(ErrorCode.SOURCE_NOT_FOUND, "pictures.example")


@pytest.fixture
def throttle(clock: Clock) -> EventThrottle:
    return EventThrottle(clock)


def use_up_full(throttle: EventThrottle, cause: Cause = CAUSE) -> None:
    assert all(throttle.reserve(cause).full for _ in range(FULL_EVENTS))


def test_the_first_few_are_reported_in_full(throttle: EventThrottle) -> None:
    told = [throttle.reserve(CAUSE) for _ in range(FULL_EVENTS + 2)]
    assert [reservation.full for reservation in told] == [True] * FULL_EVENTS + [False] * 2
    assert len({reservation.event_id for reservation in told}) == FULL_EVENTS + 1


def test_another_cause_is_reported_in_full(throttle: EventThrottle) -> None:
    use_up_full(throttle)
    assert not throttle.reserve(CAUSE).full
    use_up_full(throttle, OTHER)


def test_the_others_are_one_summary_under_the_reserved_id(
    throttle: EventThrottle, clock: Clock
) -> None:
    use_up_full(throttle)
    ids = [uuid4() for _ in range(SUMMARY_IDS + 5)]
    reserved = {throttle.reserve(CAUSE).event_id for _ in ids}
    for id_ in ids:
        throttle.count(CAUSE, [id_])
    assert throttle.take_summaries() == []
    clock.now += SUMMARY_AFTER_SECONDS
    (summary,) = throttle.take_summaries()
    assert (summary.cause, {summary.event_id}) == (CAUSE, reserved)
    assert (summary.count, summary.ids) == (len(ids), ids[:SUMMARY_IDS])
    assert throttle.take_summaries(all_of_them=True) == []


def test_at_the_end_all_summaries_are_sent(throttle: EventThrottle) -> None:
    use_up_full(throttle)
    throttle.reserve(CAUSE)
    throttle.count(CAUSE, [uuid4(), uuid4()])
    (summary,) = throttle.take_summaries(all_of_them=True)
    assert summary.count == 2


def test_a_failure_whose_row_was_lost_after_the_reservation_is_not_told(
    throttle: EventThrottle,
) -> None:
    use_up_full(throttle)
    throttle.reserve(CAUSE)
    assert throttle.take_summaries(all_of_them=True) == []


def test_a_failure_reserved_before_a_summary_and_counted_after_it_is_in_the_next(
    throttle: EventThrottle,
) -> None:
    use_up_full(throttle)
    throttle.reserve(CAUSE)
    throttle.reserve(CAUSE)
    throttle.count(CAUSE, [uuid4()])
    (first,) = throttle.take_summaries(all_of_them=True)
    throttle.count(CAUSE, [uuid4()])
    (second,) = throttle.take_summaries(all_of_them=True)
    assert (first.count, second.count) == (1, 1)
    assert first.event_id != second.event_id


def test_after_an_hour_a_few_are_reported_in_full_again(
    throttle: EventThrottle, clock: Clock
) -> None:
    use_up_full(throttle)
    clock.now += FULL_EVERY_SECONDS - 1
    assert not throttle.reserve(CAUSE).full
    clock.now += 1
    use_up_full(throttle)
    assert not throttle.reserve(CAUSE).full


def test_hosts_that_are_quiet_for_an_hour_are_forgotten(
    throttle: EventThrottle, clock: Clock
) -> None:
    for number in range(50):
        throttle.reserve(Cause(ErrorCode.SOURCE_TIMEOUT, f"host-{number}.example"))
    clock.now += FULL_EVERY_SECONDS
    throttle.reserve(CAUSE)
    throttle.take_summaries()
    assert list(throttle._windows) == [CAUSE]
