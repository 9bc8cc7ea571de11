"""What the database did not take is kept, and tried again ever more rarely."""

import time

import pytest

from storyboard_worker.attempts.outcome import Worked
from storyboard_worker.errors import AttemptCancelled
from storyboard_worker.transfer.attempt import Attempt
from storyboard_worker.wire.deadline import Deadline
from storyboard_worker.worker.outbox import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Outbox
from tests.support.attempts import new_claim
from tests.support.clock import Clock


@pytest.fixture
def outbox(clock: Clock) -> Outbox:
    return Outbox(clock)


def worked() -> Worked:
    return Worked(Attempt(new_claim(), Deadline(60)), AttemptCancelled())


def test_what_has_come_is_taken_in_its_order(outbox: Outbox) -> None:
    both = [worked(), worked()]
    for one in both:
        outbox.put(one)
    assert outbox.take() == both
    assert outbox.take() == []


def test_a_wait_ends_with_the_first_and_loses_none(outbox: Outbox) -> None:
    both = [worked(), worked()]
    for one in both:
        outbox.put(one)
    outbox.wait(60)
    outbox.wait(60)
    assert outbox.take() == both


def test_a_nudge_ends_a_wait_and_is_no_outcome(outbox: Outbox) -> None:
    one = worked()
    outbox.nudge()
    outbox.wait(60)
    outbox.nudge()
    outbox.put(one)
    assert outbox.take() == [one]


def test_a_wait_for_nothing_ends_in_time(outbox: Outbox) -> None:
    outbox.wait(0.01)
    assert outbox.take() == []


def test_what_is_kept_does_not_hold_up_what_comes(outbox: Outbox, clock: Clock) -> None:
    late, new = worked(), worked()
    outbox.keep([late])
    assert outbox.seconds_until_again == pytest.approx(FIRST_WAIT_SECONDS)
    outbox.put(new)
    assert outbox.take() == [new]
    clock.now += FIRST_WAIT_SECONDS + 0.01
    assert outbox.seconds_until_again == 0
    assert outbox.take() == [late]
    assert outbox.seconds_until_again is None


def test_what_is_to_be_tried_again_now_is_not_waited_for(outbox: Outbox, clock: Clock) -> None:
    outbox.keep([worked()])
    clock.now += 60
    began_at = time.monotonic()
    outbox.wait(5)
    assert time.monotonic() - began_at < 4


def test_each_try_in_vain_is_followed_by_a_longer_wait(outbox: Outbox, clock: Clock) -> None:
    outbox.keep([worked()])
    waits = []
    for _ in range(9):
        waits.append(outbox.seconds_until_again or 0.0)
        clock.now += waits[-1]
        outbox.keep(outbox.take())
    assert waits[:3] == pytest.approx([0.1, 0.2, 0.4])
    assert waits[-1] == pytest.approx(LONGEST_WAIT_SECONDS)


def test_once_all_is_written_the_next_wait_is_short_again(outbox: Outbox, clock: Clock) -> None:
    outbox.keep([worked()])
    clock.now += 1
    outbox.keep(outbox.take())
    clock.now += 1
    assert len(outbox.take()) == 1
    outbox.keep([])
    outbox.keep([worked()])
    assert outbox.seconds_until_again == pytest.approx(FIRST_WAIT_SECONDS)


def test_at_the_end_all_of_it_is_taken_at_once(outbox: Outbox) -> None:
    late, new = worked(), worked()
    outbox.keep([late])
    outbox.put(new)
    assert outbox.take_all() == [late, new]
