"""Rows that have failed before do not take all slots, and do not starve."""

from typing import Any

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.storyboard import Claim, Group
from storyboard_worker.worker.dispatch import SUSPECTS_EVERY_SECONDS, Dispatcher
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.backlog import Backlog, slots_that_stay_taken
from tests.support.clock import Clock

SLOTS = 16
SHARE = 4


@pytest.fixture
def slots() -> Slots:
    return slots_that_stay_taken(SLOTS)


def dispatcher_of(backlog: Backlog, slots: Slots, breakers: Breakers, clock: Clock) -> Dispatcher:
    queue: Any = backlog
    return Dispatcher(queue, slots, breakers, Restraint(SLOTS), clock=clock)


def suspects(slots: Slots) -> list[Claim]:
    return [claim for claim in slots.under_way if claim.is_suspect]


def test_they_have_a_quarter_while_new_rows_wait(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    backlog = Backlog(new=100, tried=100)
    dispatcher_of(backlog, slots, breakers, clock).fill()
    assert len(suspects(slots)) == SHARE
    assert len(slots.under_way) == SLOTS


def test_at_least_one_slot_is_theirs(breakers: Breakers, clock: Clock) -> None:
    slots = slots_that_stay_taken(2)
    dispatcher_of(Backlog(new=100, tried=100), slots, breakers, clock).fill()
    assert len(suspects(slots)) == 1


@pytest.mark.parametrize(("new", "tried"), [(3, 100), (0, 100), (100, 0), (100, 2)])
def test_what_one_group_leaves_the_other_takes(
    slots: Slots, breakers: Breakers, clock: Clock, new: int, tried: int
) -> None:
    dispatcher = dispatcher_of(Backlog(new=new, tried=tried), slots, breakers, clock)
    if dispatcher.fill().unseen:
        dispatcher.fill()
    assert len(slots.under_way) == SLOTS
    assert len(suspects(slots)) == max(SLOTS - new, min(tried, SHARE))


def test_their_quarter_counts_those_under_way(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    """One after the other: together they hang in a quarter of the slots and no more."""
    for _ in range(2):
        slots.take(most=1)
        slots.start(new_claim(attempt=2))
    dispatcher_of(Backlog(new=100, tried=100), slots, breakers, clock).fill()
    assert len(suspects(slots)) == SHARE


def test_of_rows_that_lost_a_worker_one_is_tried_at_a_time(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    backlog = Backlog(tried=3, lost=3)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().held_back, "the end of the first lets the next one start"
    clock.now += SUSPECTS_EVERY_SECONDS
    assert dispatcher.fill().held_back
    assert sum(claim.workers_lost for claim in slots.under_way) == 1
    assert len(slots.under_way) == 4
    assert backlog.due[Group.LOST] == 2


def test_the_next_of_those_is_taken_as_soon_as_one_has_ended(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    """Under load, too, where new rows would take each slot along with a completion."""
    dispatcher = dispatcher_of(Backlog(new=1000, lost=3), slots, breakers, clock)
    dispatcher.fill()
    assert dispatcher.take(1) == 1
    dispatcher.start([new_claim()], 1)
    [lost] = [token for token, one in slots._under_way.items() if one.claim.workers_lost]
    del slots._under_way[lost]
    assert dispatcher.take(1) == 0, "it is left to the next fill"
    slots.leave(2)
    assert dispatcher.fill().started == 1
    assert sum(claim.workers_lost for claim in slots.under_way) == 1


def test_of_those_one_asks_a_shut_upstream_if_no_other_row_is_there(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock)
    backlog = Backlog(lost=3)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().started == 1
    clock.now += 60
    assert dispatcher.fill().started == 0, "they are tried one at a time"


def test_without_any_of_those_nothing_is_held_back(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    assert not dispatcher_of(Backlog(new=3, tried=3), slots, breakers, clock).fill().held_back


def test_without_any_they_are_looked_for_once_a_second(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    """Under load no claim pays for rows that are not there."""
    backlog = Backlog(new=1000)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    dispatcher.fill()
    backlog.asked.clear()
    slots.leave(4)
    dispatcher.fill()
    assert backlog.asked == [(Group.NEW, 4)]
    clock.now += SUSPECTS_EVERY_SECONDS + 0.1
    slots.leave(4)
    dispatcher.fill()
    assert (Group.TRIED, 4) in backlog.asked


def test_a_new_row_that_leaves_slots_free_begins_before_they_are_looked_for(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    backlog = Backlog(new=1)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().unseen
    assert {name for name, _ in backlog.asked} == {Group.NEW}
    assert not dispatcher.fill().unseen
    assert {name for name, _ in backlog.asked} >= {Group.TRIED, Group.LOST}


def test_new_rows_one_after_the_other_put_them_off_for_a_second(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    backlog = Backlog(tried=1)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    for _ in range(3):
        backlog.due[Group.NEW] = 1
        assert dispatcher.fill().unseen
        clock.now += SUSPECTS_EVERY_SECONDS / 3 + 0.01
    backlog.due[Group.NEW] = 1
    assert not dispatcher.fill().unseen
    assert len(suspects(slots)) == 1


def open_it(breakers: Breakers, clock: Clock, *, storage: bool = False) -> None:
    for _ in range(5):
        breakers.failed(new_claim(), storage_error() if storage else source_error())
    clock.now += 2


def test_a_source_is_probed_by_new_rows_before_tried_ones(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock)
    backlog = Backlog(new=1, tried=100)
    filled = dispatcher_of(backlog, slots, breakers, clock).fill()
    assert [claim.is_suspect for claim in slots.under_way] == [False, True, True]
    assert filled.held_back
    assert backlog.probes_of == [HOST]


def test_storage_is_probed_by_rows_of_any_source(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock, storage=True)
    backlog = Backlog(new=100)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().started == 3
    assert dispatcher.fill().started == 0
    assert backlog.probes_of == [None], "and nothing else is claimed without storage"
    assert {name for name, _ in backlog.asked} == {"probe"}


def test_storage_is_probed_by_probes_of_a_shut_source_when_there_is_no_other_row(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock, storage=True)
    open_it(breakers, clock)
    backlog = Backlog(new=100)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().started == 3
    assert dispatcher.fill().started == 0
    assert backlog.probes_of == [None, HOST]
    for claim in slots.under_way[:1]:
        breakers.succeeded(claim)
    assert breakers.all_closed


def test_within_a_pause_only_a_new_row_asks(slots: Slots, breakers: Breakers, clock: Clock) -> None:
    open_it(breakers, clock)
    clock.now -= 1
    backlog = Backlog(tried=100)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    assert dispatcher.fill().started == 0
    breakers.row_arrived()
    assert dispatcher.fill().started == 0, "those that wait have not arrived"
    backlog.due[Group.NEW] = 5
    assert dispatcher.fill().started == 0, "no word came of it"
    breakers.row_arrived()
    assert dispatcher.fill().started == 1
    assert dispatcher.fill().started == 0


def test_without_notifications_a_new_row_is_found_all_the_same(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock)
    clock.now -= 1
    backlog = Backlog(tried=100)
    dispatcher = dispatcher_of(backlog, slots, breakers, clock)
    breakers.row_arrived()
    dispatcher.fill(listening=False)
    backlog.due[Group.NEW] = 5
    assert dispatcher.fill(listening=False).started == 1


def test_one_good_answer_lets_all_others_start(
    slots: Slots, breakers: Breakers, clock: Clock
) -> None:
    open_it(breakers, clock, storage=True)
    dispatcher = dispatcher_of(Backlog(new=100), slots, breakers, clock)
    dispatcher.fill()
    breakers.succeeded(slots.under_way[0])
    assert not breakers.paused_seconds().get(STORAGE_UPSTREAM)
    dispatcher.fill()
    assert len(slots.under_way) == SLOTS
