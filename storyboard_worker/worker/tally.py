"""What a sweep did."""

from dataclasses import dataclass, field

from storyboard_worker.attempts.outcome import Outcome
from storyboard_worker.errors import DatabaseUnavailable
from storyboard_worker.worker.slots import Slots


@dataclass(slots=True)
class Tally:
    """What a sweep did.

    ``lost``: failed because their worker died in the last attempt. ``processed``: attempts,
    the sum of the four ends that follow; ``released`` counts what was given back as well.
    ``complete``: of what was due nothing is left undone. ``pruned``: pictures that are gone from
    Cloudinary because no row has shown them for long.
    """

    rescued: int = 0
    lost: int = 0
    expired: int = 0
    processed: int = 0
    ready: int = 0
    retried: int = 0
    failed: int = 0
    released: int = 0
    alarms: list[str] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = True
    pruned: int = 0

    def add(self, slots: Slots, given_back: int) -> None:
        """The attempts of a shift, and the rows that it gave back."""
        counted = slots.tally
        self.ready += counted[Outcome.READY]
        self.retried += counted[Outcome.RETRIED]
        self.failed += counted[Outcome.FAILED]
        self.released += counted[Outcome.RELEASED] + given_back
        self.processed += self.ready + self.retried + self.failed + self.released


class CutShort(DatabaseUnavailable):
    """The database went away within a sweep and did not come back; ``tally`` is what was done."""

    def __init__(self, tally: Tally, reason: DatabaseUnavailable) -> None:
        super().__init__(str(reason))
        self.tally = tally
