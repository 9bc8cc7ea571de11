"""Every exchange of a run, spoiled in every way, each in a run of its own.

FAULTS=all spoils each of them in each place.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

from tests.support.database_faults import Ending, Exchange, Fault, Place
from tests.support.exchanges import UNKNOWN, Step, kind_of, steps_of, writes

EVERY_PLACE = os.environ.get("FAULTS") == "all"
# The time-out of a test in which all spoilings hang.
TIMEOUT_SECONDS = 400
# Spoilings that wait for a time-out keep no processor busy. More of them would make each
# other late.
AT_ONCE = {Ending.SILENT: 8, Ending.CUT: 4}


@dataclass(frozen=True, slots=True)
class Spoiling:
    """The exchange of a run to be spoiled, and the way."""

    step: Step
    place: Place
    ending: Ending

    def __str__(self) -> str:
        return f"{self.step}, {self.ending} {self.place}"

    def fault(self) -> Fault:
        return self.step.fault(self.place, self.ending)


def spoilings(steps: Iterable[Step], ending: Ending) -> Iterator[Spoiling]:
    """Each step in each place.

    A step that only looks is spoiled in one place, by turns, unless all are asked for, because the
    place makes little difference there.
    """
    turns = cycle(Place) if ending is Ending.SILENT else cycle(reversed(list(Place)))
    for step in steps:
        by_turns = next(turns)
        for place in Place if EVERY_PLACE or writes(step.kind) else [by_turns]:
            yield Spoiling(step, place, ending)


def assert_all_bear(
    steps: Iterable[Step],
    ending: Ending,
    spoil: Callable[[Spoiling], object],
    at_once: int | None = None,
) -> None:
    """Check that ``spoil`` holds for all :func:`spoilings`, many at once; report all that fail."""

    def told(spoiling: Spoiling) -> str | None:
        try:
            spoil(spoiling)
        except AssertionError as error:
            return f"{spoiling}: {str(error).splitlines()[0]}"
        return None

    with ThreadPoolExecutor(at_once or AT_ONCE[ending]) as threads:
        answers = threads.map(told, spoilings(steps, ending))
        complaints = [answer for answer in answers if answer is not None]
    assert not complaints, "\n".join(complaints)


def checked(exchanges: Sequence[Exchange]) -> list[Step]:
    """The steps of a run. Each has to be of a kind that has a name."""
    unnamed = [exchange.sql for exchange in exchanges if kind_of(exchange) == UNKNOWN]
    assert not unnamed, unnamed
    return steps_of(exchanges)
