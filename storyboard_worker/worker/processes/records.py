"""Memory that processes share: one record for each, which that process alone writes.

The parent makes it before it forks, and changes a record only while no process has it.
"""

import math
import mmap
import os
import time
from enum import IntEnum, auto

from storyboard_worker.worker.processes.pauses import PAUSES_BYTES, write_pauses

NUMBER_BYTES = 8
# The longest name of a host has 64 bytes.
WORKER_ID_BYTES = 128


class Field(IntEnum):
    """The place of each number in a record. Moments are on the monotonic clock, which is one for
    all processes of a machine."""

    PID = 0
    LOOP_MOVED_AT = auto()
    SLOTS_TAKEN = auto()
    LISTENING = auto()
    PAUSES_BEGUN = auto()
    DATABASE_ERRORS = auto()
    # In a row, until a process has lived for a while.
    EARLY_DEATHS = auto()


class Record:
    """``numbers`` has a place for each :class:`Field`, ``counts`` those of the metrics, and
    ``pauses`` a text of :mod:`~storyboard_worker.worker.processes.pauses`."""

    def __init__(self, memory: memoryview) -> None:
        fields_end = len(Field) * NUMBER_BYTES
        pauses_end = fields_end + PAUSES_BYTES
        id_end = pauses_end + WORKER_ID_BYTES
        self.numbers = memory[:fields_end].cast("d")
        self.pauses = memory[fields_end:pauses_end]
        self._worker_id = memory[pauses_end:id_end]
        self.counts = memory[id_end:].cast("d")
        self.numbers[Field.LOOP_MOVED_AT] = time.monotonic()

    def begin(self) -> None:
        """This process has it from now on."""
        self.numbers[Field.PID] = os.getpid()

    @property
    def worker_id(self) -> str:
        """Under which its process has registered, or the one before; empty before the first."""
        return bytes(self._worker_id).rstrip(b"\0").decode(errors="replace")

    def register(self, worker_id: str) -> str | None:
        """Its process registers so. Answers the id of the one before, which has ended."""
        before = self.worker_id
        self._worker_id[:] = worker_id.encode()[:WORKER_ID_BYTES].ljust(WORKER_ID_BYTES, b"\0")
        return before or None

    def end(self) -> None:
        """Its process has ended. What it has counted stays, and so does the moment when its loop
        moved last: the next process is missed as long as that lies back."""
        for field in (Field.PID, Field.SLOTS_TAKEN, Field.LISTENING):
            self.numbers[field] = 0
        if math.isinf(self.numbers[Field.LOOP_MOVED_AT]):
            self.numbers[Field.LOOP_MOVED_AT] = time.monotonic()
        write_pauses(self.pauses, {})


def new_records(count: int, *, counts: int) -> list[Record]:
    """Records with so many places for ``counts``. Nothing is counted yet."""
    record_bytes = (len(Field) + counts) * NUMBER_BYTES + PAUSES_BYTES + WORKER_ID_BYTES
    memory = memoryview(mmap.mmap(-1, count * record_bytes))
    return [
        Record(memory[number * record_bytes : (number + 1) * record_bytes])
        for number in range(count)
    ]
