"""How often the claim loop asks the database while there is nothing that it could do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended
from storyboard_worker.errors import DatabaseUnavailable, Resource, ResourceExhausted
from storyboard_worker.reporting.reporter import Reporter
from storyboard_worker.resources.restraint import FIRST_PAUSE_SECONDS, Restraint
from storyboard_worker.worker.ear import Ear
from storyboard_worker.worker.filled import FOLLOW_UP_SECONDS, Filled
from storyboard_worker.worker.idling import Idling
from storyboard_worker.worker.loop import NEVER, ClaimLoop, Surroundings
from storyboard_worker.worker.outage import Outage
from storyboard_worker.worker.proofs import Proofs
from storyboard_worker.worker.wakes import Wake, Wakes
from storyboard_worker.worker.watchdog import Watchdog
from tests.support.attempts import new_claim, source_error

FULL = Filled(started=0, look_again=True, held_back=False, left_free=0)
EMPTY = Filled(started=0, look_again=False, held_back=False, left_free=16)
SOME = Filled(started=1, look_again=False, held_back=False, left_free=15)


@dataclass
class Asked:
    """The parts that ask the database, and what they find."""

    fills: Callable[[], Filled]
    due: bool = False
    seconds_until_full_pass: float | None = None
    seconds_until_due: float | None = None
    seconds_until_look_for_lost: float | None = None
    seconds_until_refused_again: float | None = None
    looks: int = 0
    claims: int = 0
    listening: bool = True
    breakers: Breakers = field(default_factory=Breakers)
    restraint: Restraint = field(default_factory=lambda: Restraint(16))
    woken_at_free: float = 0

    @property
    def slots(self) -> None:
        """Is not asked for: nothing waits."""

    @property
    def dispatcher(self) -> "Asked":
        return self

    def settle(self) -> list[Ended]:
        return []

    def anything_due(self) -> bool:
        self.looks += 1
        return self.due

    def give_back_lost(self) -> int:
        return 0

    def refresh(self) -> None:
        self.looks += 1

    def fill(self, *, listening: bool) -> Filled:
        assert listening == self.listening
        self.claims += 1
        return self.fills()


class NoHeadStart:
    """No claim is made ready."""

    is_under_way = False

    def prepare(self) -> None: ...

    def begin(self, *, row_arrived: bool) -> None: ...

    def end(self) -> None: ...


def new_wakes() -> Wakes:
    """Without a listener."""
    return Wakes(Ear(Proofs()))


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
            cast("Any", NoHeadStart()),
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


@dataclass
class Waiting:
    """A shift with so many free slots."""

    free: int = 0
    seconds_until_settling: float | None = None

    @property
    def slots(self) -> "Waiting":
        return self

    @property
    def dispatcher(self) -> None:
        """Is not asked for: nothing is claimed."""


def loop_of(shift: Waiting, wakes: Wakes, reporter: Reporter) -> ClaimLoop:
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
        cast("Any", NoHeadStart()),
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
