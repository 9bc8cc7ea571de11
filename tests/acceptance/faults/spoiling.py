"""Every exchange of a run, spoiled in every way, each in a run of its own."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.database_faults import Ending, Exchange, Fault, Place
from tests.exchanges import UNKNOWN, Step, kind_of, steps_of

# Those that wait for a time-out keep no processor busy.
AT_ONCE = {Ending.SILENT: 12, Ending.CUT: 4}


@dataclass(frozen=True, slots=True)
class Spoiling:
    """Where a run is to be spoiled, and how."""

    step: Step
    place: Place
    ending: Ending

    def __str__(self) -> str:
        return f"{self.step}, {self.ending} {self.place}"

    def fault(self) -> Fault:
        return self.step.fault(self.place, self.ending)


def assert_all_bear(
    steps: Iterable[Step], ending: Ending, spoil: Callable[[Spoiling], object]
) -> None:
    """``spoil`` holds for each step in each place, many at once. Told of are all that do not."""

    def told(spoiling: Spoiling) -> str | None:
        try:
            spoil(spoiling)
        except AssertionError as error:
            return f"{spoiling}: {str(error).splitlines()[0]}"
        return None

    spoilings = [Spoiling(step, place, ending) for step in steps for place in Place]
    with ThreadPoolExecutor(AT_ONCE[ending]) as threads:
        complaints = [said for said in threads.map(told, spoilings) if said is not None]
    assert not complaints, "\n".join(complaints)


def checked(exchanges: Sequence[Exchange]) -> list[Step]:
    """The steps of a run, none of which is of a kind that nobody has named."""
    unnamed = [exchange.sql for exchange in exchanges if kind_of(exchange) == UNKNOWN]
    assert not unnamed, unnamed
    return steps_of(exchanges)
