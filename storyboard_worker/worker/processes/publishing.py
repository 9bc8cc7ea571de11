"""How a worker process tells others how it is doing."""

import math
import time

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.database import Database
from storyboard_worker.logs import only_logged
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.pauses import Pause, write_pauses
from storyboard_worker.worker.processes.records import Field, Record
from storyboard_worker.worker.processes.restarts import LONG_LIFE_SECONDS
from storyboard_worker.worker.vitals import Vitals

# What one that follows an early death has to live before its moves count. Well below the silence
# that is too long for health, so that one early death alone is not.
PROVEN_AFTER_SECONDS = 20.0


class PublishedVitals(Vitals):
    """Writes them into ``record``: what the loop does at each of its moves, all else whenever the
    watchdog ticks. Counts go on from where the process before has left them.

    If that died soon after its start, moves are told only when this one has lived for a while:
    processes that keep dying show ever longer silence, though each moves at its start."""

    def __init__(
        self,
        record: Record,
        breakers: Breakers,
        database: Database,
        before: Death | None = None,
    ) -> None:
        super().__init__()
        self._numbers = record.numbers
        self._pauses = record.pauses
        self._breakers = breakers
        self._database = database
        self._pauses_before = record.numbers[Field.PAUSES_BEGUN]
        self._errors_before = record.numbers[Field.DATABASE_ERRORS]
        self._ends = False
        follows_early_death = before is not None and before.lived_seconds < LONG_LIFE_SECONDS
        if follows_early_death:
            record.numbers[Field.EARLY_DEATHS] += 1
        self._moved_at = time.monotonic()
        self._told_from = self._moved_at + (PROVEN_AFTER_SECONDS if follows_early_death else 0.0)

    def loop_moved(self) -> None:
        self._moved_at = time.monotonic()
        self._tell_move()
        numbers = self._numbers
        numbers[Field.SLOTS_TAKEN] = self.slots_taken
        numbers[Field.LISTENING] = self.listening

    def loop_ends(self) -> None:
        self._ends = True
        self.loop_moved()

    def _tell_move(self) -> None:
        if self._ends:
            self._numbers[Field.LOOP_MOVED_AT] = math.inf
        elif time.monotonic() >= self._told_from:
            self._numbers[Field.LOOP_MOVED_AT] = self._moved_at
            self._numbers[Field.EARLY_DEATHS] = 0

    def ticked(self) -> None:
        with only_logged("telling others of this process"):
            self._tell_move()
            self._numbers[Field.PAUSES_BEGUN] = self._pauses_before + self._breakers.begun
            self._numbers[Field.DATABASE_ERRORS] = self._errors_before + self._database.errors
            write_pauses(self._pauses, self._paused())

    def _paused(self) -> dict[str, Pause]:
        now = time.monotonic()
        lasting = self._breakers.lasting_seconds()
        return {
            upstream: Pause(
                until=now + seconds,
                since=now - lasting[upstream] if upstream in lasting else None,
            )
            for upstream, seconds in self._breakers.paused_seconds().items()
        }
