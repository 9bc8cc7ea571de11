"""What ends a wait of the claim loop, and what follows."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.loop import ClaimLoop, Surroundings
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.wakes import Wake, Wakes
from storyboard_worker.worker.watchdog import Watchdog
from tests.support.loop_parts import EMPTY, Asked, NotedHeadStart, new_wakes


@dataclass
class Waiting:
    """A shift with so many free slots."""

    free: int = 0
    seconds_until_settling: float | None = None

    def settle(self) -> list[Ended]:
        return []

    @property
    def slots(self) -> "Waiting":
        return self

    @property
    def dispatcher(self) -> None:
        """Is not asked for: nothing is claimed."""


def loop_of(
    shift: Waiting,
    wakes: Wakes,
    reporter: Reporter,
    head_start: NotedHeadStart | None = None,
) -> ClaimLoop:
    part: Any = shift
    asked: Any = Asked(lambda: EMPTY)
    restraint = Restraint(16)
    surroundings = Surroundings(
        asked,
        asked,
        Breakers(),
        restraint,
        asked,
        Outage(reporter, restraint.met),
        Watchdog(reporter),
        cast("Any", head_start or NotedHeadStart()),
    )
    return ClaimLoop(part, surroundings, wakes, Idling(2.0))


def test_an_outcome_alone_leads_to_no_claim(reporter: Reporter) -> None:
    """It is written; claims go on when they were to."""
    wakes = new_wakes()
    loop = loop_of(Waiting(), wakes, reporter)
    loop._wait_for(60)
    wakes.put(Wake.WORKED)
    loop._wait()
    assert not loop._claims_next


@pytest.mark.parametrize("wake", [Wake.ROW_ARRIVED, Wake.STOP])
def test_anything_else_that_comes_with_it_does(reporter: Reporter, wake: Wake) -> None:
    wakes = new_wakes()
    loop = loop_of(Waiting(), wakes, reporter)
    loop._wait_for(60)
    wakes.put(Wake.WORKED)
    wakes.put(wake)
    loop._wait()
    assert loop._claims_next
    assert not loop._waited_in_vain


def test_slots_that_are_free_again_lead_to_the_next_claim(reporter: Reporter) -> None:
    loop = loop_of(Waiting(free=1), new_wakes(), reporter)
    loop._wait_for(60, wake_at_free=1)
    loop._wait()
    assert loop._claims_next


def test_an_outcome_that_waits_for_the_database_is_tried_again_in_time(reporter: Reporter) -> None:
    loop = loop_of(Waiting(seconds_until_settling=0.0), new_wakes(), reporter)
    loop._wait_for(60)
    loop._wait()
    assert not loop._claims_next


def test_a_wait_that_nothing_ends_is_known_as_such(reporter: Reporter) -> None:
    loop = loop_of(Waiting(), new_wakes(), reporter)
    loop._wait_for(0.01)
    loop._wait()
    assert loop._claims_next
    assert loop._waited_in_vain


@pytest.mark.parametrize(
    ("wakes_put", "told"),
    [([Wake.ROW_ARRIVED], "row"), ([Wake.STOP], "no row"), ([Wake.WORKED], "no row")],
)
def test_a_row_that_arrives_in_a_wait_has_a_head_start(
    reporter: Reporter, wakes_put: list[Wake], told: str
) -> None:
    head_start, wakes = NotedHeadStart(), new_wakes()
    loop = loop_of(Waiting(), wakes, reporter, head_start)
    loop._wait_for(60)
    for wake in wakes_put:
        wakes.put(wake)
    loop._wait()
    loop._claims_next = False
    loop._wait_for(0)
    loop.turn()
    assert head_start.told == ["prepare", told, "prepare"]
