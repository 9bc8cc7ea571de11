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


class Field(IntEnum):
    """The place of each number in a record. Moments are on the monotonic clock, which is one for
    all processes of a machine."""

    PID = 0
    LOOP_MOVED_AT = auto()
    SLOTS_TAKEN = auto()
    LISTENING = auto()
    PAUSES_BEGUN = auto()
    DATABASE_ERRORS = auto()


class Record:
    """``numbers`` has a place for each :class:`Field`, ``counts`` those of the metrics, and
    ``pauses`` a text of :mod:`~storyboard_worker.worker.processes.pauses`."""

    def __init__(self, memory: memoryview) -> None:
        fields_end = len(Field) * NUMBER_BYTES
        self.numbers = memory[:fields_end].cast("d")
        self.pauses = memory[fields_end : fields_end + PAUSES_BYTES]
        self.counts = memory[fields_end + PAUSES_BYTES :].cast("d")
        self.numbers[Field.LOOP_MOVED_AT] = time.monotonic()

    def begin(self) -> None:
        """This process has it from now on."""
        self.numbers[Field.PID] = os.getpid()

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
    record_bytes = len(Field) * NUMBER_BYTES + PAUSES_BYTES + counts * NUMBER_BYTES
    memory = memoryview(mmap.mmap(-1, count * record_bytes))
    return [
        Record(memory[number * record_bytes : (number + 1) * record_bytes])
        for number in range(count)
    ]
