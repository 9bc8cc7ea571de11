"""What a claim loop asks, for tests without a database."""

from collections.abc import Callable
from dataclasses import dataclass, field

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.attempts.outcome import Ended
from storyboard_worker.resources.restraint import Restraint
from storyboard_worker.worker.ear import Ear
from storyboard_worker.worker.filled import Filled
from storyboard_worker.worker.proofs import Proofs
from storyboard_worker.worker.wakes import Wakes

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


@dataclass
class NotedHeadStart:
    """Makes no claim ready, and notes what it is told."""

    is_under_way: bool = False
    told: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        self.told.append("prepare")

    def begin(self, *, row_arrived: bool) -> None:
        self.told.append("row" if row_arrived else "no row")

    def end(self) -> None:
        self.told.append("end")


def new_wakes() -> Wakes:
    """Without a listener."""
    return Wakes(Ear(Proofs()))
