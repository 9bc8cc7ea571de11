"""What the HTTP process reads of all worker processes."""

import time
from collections.abc import Iterable, Sequence

from storyboard_worker.worker.processes.pauses import read_pauses
from storyboard_worker.worker.processes.records import Field, Record
from storyboard_worker.worker.vitals import Vitals


class ObservedVitals(Vitals):
    """The vitals of all processes with ``records``, taken together: the longest silence, the sum
    of the slots, and notifications where all of them have them."""

    def __init__(self, records: Sequence[Record]) -> None:
        super().__init__()
        self._records = records
        self.fill(
            silent_seconds=lambda: time.monotonic() - min(self._all(Field.LOOP_MOVED_AT)),
            slots_taken=lambda: int(sum(self._all(Field.SLOTS_TAKEN))),
            listening=lambda: all(self._all(Field.LISTENING)),
        )

    @property
    def silent_seconds(self) -> float:
        return max(0.0, super().silent_seconds)

    @property
    def early_deaths(self) -> int:
        return int(max(self._all(Field.EARLY_DEATHS)))

    @property
    def database_errors(self) -> int:
        return int(sum(self._all(Field.DATABASE_ERRORS)))

    @property
    def pauses_begun(self) -> int:
        return int(sum(self._all(Field.PAUSES_BEGUN)))

    def paused_seconds(self) -> dict[str, float]:
        now = time.monotonic()
        return _longest(
            (upstream, max(0.0, pause.until - now))
            for record in self._records
            for upstream, pause in read_pauses(record.pauses).items()
        )

    def lasting_seconds(self) -> dict[str, float]:
        now = time.monotonic()
        return _longest(
            (upstream, now - pause.since)
            for record in self._records
            for upstream, pause in read_pauses(record.pauses).items()
            if pause.since is not None
        )

    def _all(self, field: Field) -> list[float]:
        return [record.numbers[field] for record in self._records]


def _longest(pauses: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Of each upstream, which several processes may have paused."""
    longest: dict[str, float] = {}
    for upstream, seconds in pauses:
        longest[upstream] = max(seconds, longest.get(upstream, 0.0))
    return longest
