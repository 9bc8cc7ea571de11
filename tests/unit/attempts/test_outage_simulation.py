"""Two hours of a worker whose images lie behind one host, with an outage in between.

Of 10,000 rows one in a hundred always fails and one hangs. The host limits the rate now and then.
For forty minutes it refuses connections, or does not answer.
"""

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from storyboard_worker.errors import AttemptError, ErrorCode
from tests.support.attempts import source_error, storage_error
from tests.support.simulated_worker import Answer, Row, SimulatedWorker

MINUTE = 60.0
OUTAGE_BEGINS, OUTAGE_ENDS = 30 * MINUTE, 70 * MINUTE
# No new rows arrive from then until the outage is over.
QUIET_FROM = 50 * MINUTE
END = 105 * MINUTE
OUTAGE_SECONDS = OUTAGE_ENDS - OUTAGE_BEGINS
# The begin and the end of the arrivals, and their number.
ARRIVALS = [
    (0.0, OUTAGE_BEGINS, 4500),
    (OUTAGE_BEGINS, QUIET_FROM, 1500),
    (OUTAGE_ENDS, 100 * MINUTE, 4000),
]
SECONDS_OF_A_COPY = 0.1
READ_TIMEOUT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 10.0
ONE_IN_RATE_LIMITED = 700
MOST_REQUESTS_A_MINUTE = 5


class OneHost:
    """``down``: the result of a request in the outage, and the seconds that it takes."""

    def __init__(self, down: Answer) -> None:
        self._down = down
        self._chance = random.Random(3)

    def __call__(self, row: Row, now: float) -> Answer:
        if OUTAGE_BEGINS <= now < OUTAGE_ENDS:
            return self._down
        if row.kind == "hangs":
            return READ_TIMEOUT_SECONDS, source_error(ErrorCode.SOURCE_TIMEOUT)
        if self._chance.randrange(ONE_IN_RATE_LIMITED) == 0:
            return SECONDS_OF_A_COPY, self._limited()
        failing = row.kind == "fails"
        return SECONDS_OF_A_COPY, source_error() if failing else None

    def _limited(self) -> AttemptError:
        asked_seconds = self._chance.choice([0, 1, 5])
        return source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=asked_seconds)


def arriving() -> Iterator[Row]:
    numbers = iter(range(10_000))
    for begins, ends, rows in ARRIVALS:
        for place in range(rows):
            number = next(numbers)
            kind = {0: "fails", 1: "hangs"}.get(number % 100, "good")
            yield Row(number, kind, begins + place * (ends - begins) / rows)


def longest_wait(rows: list[Row]) -> float:
    return max((row.ended_at or END) - row.arrived_at for row in rows)


def requests_in_each_minute(worker: SimulatedWorker, begins: float, ends: float) -> list[int]:
    minutes = range(int(begins // MINUTE), int(ends // MINUTE))
    return [sum(int(at // MINUTE) == minute for at in worker.requests) for minute in minutes]


def table_of(worker: SimulatedWorker, good: list[Row]) -> str:
    """A table of the run, by the time at which the rows arrived."""
    lines = [f"{'minutes':>10} {'good rows':>10} {'longest wait s':>15} {'requests/min':>13}"]
    moments = [0.0, OUTAGE_BEGINS, QUIET_FROM, OUTAGE_ENDS, END]
    for begins, ends in pairwise(moments):
        rows = [row for row in good if begins <= row.arrived_at < ends]
        waits = f"{longest_wait(rows):.1f}" if rows else "-"
        each = requests_in_each_minute(worker, begins, ends)
        span = f"{begins / MINUTE:.0f}-{ends / MINUTE:.0f}"
        lines.append(f"{span:>10} {len(rows):>10} {waits:>15} {sum(each) / len(each):>13.1f}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "down",
    [
        (0.01, source_error()),
        (CONNECT_TIMEOUT_SECONDS, source_error(ErrorCode.SOURCE_TIMEOUT)),
        (READ_TIMEOUT_SECONDS, source_error(ErrorCode.SOURCE_TIMEOUT)),
    ],
    ids=["refuses", "no connection", "no answer"],
)
def test_an_outage_loses_nothing_and_holds_nothing_up_longer_than_it_lasts(down: Answer) -> None:
    worker = SimulatedWorker(OneHost(down))
    rows = list(arriving())
    worker.expect(rows)
    worker.run_until(END)
    good = [row for row in rows if row.kind == "good"]
    print(f"\n{table_of(worker, good)}")
    assert [row for row in good if row.failed or row.ended_at is None] == []
    # Attempts that were under way at the end of the outage are yet to end.
    assert longest_wait(good) <= OUTAGE_SECONDS + MINUTE + down[0]
    well = [row for row in good if not -MINUTE < row.arrived_at - OUTAGE_BEGINS < OUTAGE_SECONDS]
    assert longest_wait(well) <= 2 * MINUTE
    quiet = requests_in_each_minute(worker, QUIET_FROM + MINUTE, OUTAGE_ENDS)
    assert sum(quiet) / len(quiet) < MOST_REQUESTS_A_MINUTE
    assert max(quiet) <= MOST_REQUESTS_A_MINUTE
    told = [is_over for at, is_over in worker.told if at < ARRIVALS[-1][1]]
    assert told == [False, True], "once when it begins, and once when it is over"


@pytest.mark.parametrize("lasts_seconds", [2, 10, 60])
def test_when_our_own_network_is_away_source_and_storage_do_not_wait_for_each_other(
    lasts_seconds: float,
) -> None:
    """Of one host, and of storage, each could only be asked by a row of the other that is well."""
    begins, ends = MINUTE, MINUTE + lasts_seconds
    upload_seconds = 1.0

    def network(_row: Row, now: float) -> Answer:
        if begins <= now < ends:
            return 0.05, source_error()
        cuts_upload = now < begins <= now + upload_seconds
        return upload_seconds, storage_error() if cuts_upload else None

    worker = SimulatedWorker(network)
    rows = [Row(number, "good", number / 10) for number in range(3000)]
    worker.expect(rows)
    worker.run_until(ends + MINUTE)
    asked_at = min(moment for moment in worker.requests if moment >= ends)
    assert asked_at - ends <= 6
    waiting = [row for row in rows if row.arrived_at < ends and row.ended_at is None]
    assert waiting == []
