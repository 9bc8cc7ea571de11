"""How often the claim loop asks the database while there is nothing that it could do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from storyboard_worker.errors import DatabaseUnavailable, Resource, ResourceExhausted
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import FIRST_PAUSE_SECONDS
from storyboard_worker.worker.filled import FOLLOW_UP_SECONDS, Filled
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.loop import NEVER, ClaimLoop, Surroundings
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.watchdog import Watchdog
from tests.support.attempts import new_claim, source_error
from tests.support.loop_parts import EMPTY, FULL, SOME, Asked, NotedHeadStart, new_wakes


@pytest.fixture
def worker_of(
    monkeypatch: pytest.MonkeyPatch, reporter: Reporter
) -> Callable[[Asked], tuple[ClaimLoop, list[float]]]:
    """A worker without threads, whose waits are in vain; and how long they are."""

    def make(asked: Asked) -> tuple[ClaimLoop, list[float]]:
        part: Any = asked
        outage = Outage(reporter, asked.restraint.met)
        surroundings = Surroundings(
            part,
            part,
            asked.breakers,
            asked.restraint,
            part,
            outage,
            Watchdog(reporter),
            cast("Any", NotedHeadStart()),
        )
        worker = ClaimLoop(part, surroundings, new_wakes(), Idling(2.0))
        waits: list[float] = []

        def wait_for(seconds: float, *, wake_at_free: float = NEVER) -> None:
            assert wake_at_free >= 1
            asked.woken_at_free = wake_at_free
            waits.append(seconds)

        def wait() -> None:
            worker._waited_in_vain = worker._claims_next = True

        monkeypatch.setattr(worker, "_wait_for", wait_for)
        monkeypatch.setattr(worker, "_wait", wait)
        return worker, waits

    return make


WorkerOf = Callable[[Asked], tuple[ClaimLoop, list[float]]]


def test_rows_that_were_passed_over_are_seen_in_time(worker_of: WorkerOf) -> None:
    worker, waits = worker_of(Asked(lambda: SOME, seconds_until_full_pass=0.5))
    worker.turn()
    assert waits == [0.5]


def test_rows_that_the_database_refused_are_tried_again_in_time(worker_of: WorkerOf) -> None:
    worker, waits = worker_of(Asked(lambda: EMPTY, seconds_until_refused_again=4.5))
    worker.turn()
    assert waits == [4.5]


def test_rows_that_were_not_looked_for_are_looked_for_a_moment_later(worker_of: WorkerOf) -> None:
    """Not at once: what has just started needs the processor. A cheap look then does, if no other
    row is due."""
    asked = Asked(lambda: replace(SOME, unseen=True))
    worker, waits = worker_of(asked)
    worker.turn()
    assert (waits, asked.looks) == ([FOLLOW_UP_SECONDS], 0)
    worker.turn()
    assert (asked.claims, asked.looks) == (1, 1)


@pytest.mark.parametrize("due", [False, True])
def test_an_idle_worker_asks_every_half_minute(worker_of: WorkerOf, *, due: bool) -> None:
    """Also when its last claim began onward: a look in vain has shown that nothing is left."""
    asked = Asked(lambda: FULL if due else EMPTY, due=due, seconds_until_full_pass=0.0)
    worker, waits = worker_of(asked)
    worker._waited_in_vain = True
    for _ in range(10):
        worker.turn()
    assert min(waits) >= 27
    assert asked.looks == 10
    assert asked.claims == (10 if due else 0)


@pytest.mark.parametrize(("filled", "longest"), [(FULL, 30), (EMPTY, 0)], ids=["full", "free"])
def test_an_upstream_that_may_be_asked_is_waited_for_with_a_free_slot_alone(
    worker_of: WorkerOf, filled: Filled, longest: float
) -> None:
    """Without one the loop would turn and turn: the time has come, and nothing can be started."""
    asked = Asked(lambda: filled)
    for _ in range(5):
        asked.breakers.failed(new_claim(), source_error())
    asked.breakers.row_arrived()
    worker, waits = worker_of(asked)
    worker.turn()
    assert longest * 0.9 <= waits[0] <= longest


def test_a_database_that_reads_but_does_not_write_is_away(
    worker_of: WorkerOf, caplog: pytest.LogCaptureFixture
) -> None:
    """As a standby after a fail-over: told once, and waited for ever longer."""

    def refuse() -> Filled:
        raise DatabaseUnavailable("cannot execute UPDATE in a read-only transaction")

    worker, waits = worker_of(Asked(refuse, due=True))
    with caplog.at_level("INFO", logger="storyboard_worker"):
        for _ in range(10):
            worker.turn()
    assert [record.getMessage() for record in caplog.records] == ["waiting for the database"]
    assert waits[-1] == 5.0


def test_a_lack_of_our_own_is_sat_out_without_looking(worker_of: WorkerOf) -> None:
    """Slots are free all the time, so their being so must not wake the loop."""
    asked = Asked(lambda: Filled(0, look_again=True, held_back=False, left_free=0, withheld=16))
    asked.restraint.met(ResourceExhausted(Resource.THREADS, "none"))
    worker, waits = worker_of(asked)
    worker.turn()
    assert FIRST_PAUSE_SECONDS - 1 < waits[0] <= FIRST_PAUSE_SECONDS
    assert asked.woken_at_free == 17
