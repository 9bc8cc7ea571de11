"""How a worker process tells others how it is doing."""

import math
import time

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.database import Database
from storyboard_worker.logs import only_logged
from storyboard_worker.worker.processes.pauses import Pause, write_pauses
from storyboard_worker.worker.processes.records import Field, Record
from storyboard_worker.worker.vitals import Vitals


class PublishedVitals(Vitals):
    """Writes them into ``record``: what the loop does at each of its moves, all else whenever the
    watchdog ticks. Counts go on from where the process before has left them."""

    def __init__(self, record: Record, breakers: Breakers, database: Database) -> None:
        super().__init__()
        self._numbers = record.numbers
        self._pauses = record.pauses
        self._breakers = breakers
        self._database = database
        self._pauses_before = record.numbers[Field.PAUSES_BEGUN]
        self._errors_before = record.numbers[Field.DATABASE_ERRORS]
        self._ends = False

    def loop_moved(self) -> None:
        numbers = self._numbers
        numbers[Field.LOOP_MOVED_AT] = math.inf if self._ends else time.monotonic()
        numbers[Field.SLOTS_TAKEN] = self.slots_taken
        numbers[Field.LISTENING] = self.listening

    def loop_ends(self) -> None:
        self._ends = True
        self.loop_moved()

    def ticked(self) -> None:
        with only_logged("telling others of this process"):
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
