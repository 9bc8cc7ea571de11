"""What is counted with each attempt that is over.

The counts are plain numbers side by side, so that several processes can have them in memory that
they share. Labels have few values: outcomes and error codes.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.errors import ErrorCode

BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
NUMBER_BYTES = 8

OUTCOMES = tuple(Outcome)
CODES = tuple(ErrorCode)
# A place for each bucket, one for what is above them, and the sum.
HISTOGRAM_PLACES = len(BUCKETS_SECONDS) + 2

_PLACE_OF_OUTCOME = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_PLACE_OF_CODE = {code: place for place, code in enumerate(CODES, len(OUTCOMES))}
LOST = len(OUTCOMES) + len(CODES)
BYTES = LOST + 1
WHOLE = BYTES + 1
SOURCE = WHOLE + HISTOGRAM_PLACES
STORAGE = SOURCE + HISTOGRAM_PLACES
PLACES = STORAGE + HISTOGRAM_PLACES


class AttemptCounts:
    """The counts of one process, in ``numbers`` that go on from what they are, or in new ones."""

    def __init__(self, numbers: "memoryview[float] | None" = None) -> None:
        self.numbers = memoryview(bytearray(PLACES * NUMBER_BYTES)).cast("d")
        if numbers is not None:
            self.numbers = numbers
        self._lock = threading.Lock()

    def attempt_ended(self, ended: Ended) -> None:
        """To be called with each attempt that is over, from any thread."""
        timings, numbers = ended.timings, self.numbers
        with self._lock:
            numbers[_PLACE_OF_OUTCOME[ended.outcome]] += 1
            if ended.error is not None:
                numbers[_PLACE_OF_CODE[ended.error.code]] += 1
            if ended.outcome is Outcome.LEASE_LOST:
                numbers[LOST] += 1
            if ended.outcome is Outcome.READY:
                numbers[BYTES] += timings.length_bytes or 0
            self._observe(WHOLE, ended.seconds)
            self._observe(SOURCE, timings.source_seconds)
            self._observe(STORAGE, timings.storage_seconds)

    def _observe(self, histogram: int, seconds: float | None) -> None:
        if seconds is not None:
            self.numbers[histogram + bisect_left(BUCKETS_SECONDS, seconds)] += 1
            self.numbers[histogram + HISTOGRAM_PLACES - 1] += seconds


class CountsCollector(Collector):
    """The sum of the counts of all processes. What has not happened yet is 0, so that the first
    time shows as one more."""

    def __init__(self, of_processes: Sequence["memoryview[float]"]) -> None:
        self._of_processes = of_processes

    def collect(self) -> Iterator[Metric]:
        numbers = [sum(places) for places in zip(*self._of_processes, strict=True)]
        attempts = CounterMetricFamily(
            "storyboard_attempts", "Attempts that are over.", labels=["outcome"]
        )
        for outcome, place in _PLACE_OF_OUTCOME.items():
            attempts.add_metric([outcome], numbers[place])
        errors = CounterMetricFamily(
            "storyboard_attempt_errors", "Attempts that ended with an error.", labels=["error_code"]
        )
        for code, place in _PLACE_OF_CODE.items():
            errors.add_metric([code], numbers[place])
        yield from (attempts, errors)
        yield CounterMetricFamily(
            "storyboard_leases_lost", "Rows that were taken away in an attempt.", numbers[LOST]
        )
        yield CounterMetricFamily(
            "storyboard_copied_bytes", "Bytes of images that became ready.", numbers[BYTES]
        )
        yield _histogram("attempt", "How long attempts took.", numbers[WHOLE:])
        yield _histogram("source", "The wait for the source's first byte.", numbers[SOURCE:])
        yield _histogram("storage", "From the last byte sent to the answer.", numbers[STORAGE:])


def _histogram(part: str, meaning: str, numbers: Sequence[float]) -> HistogramMetricFamily:
    bounds = [*map(floatToGoString, BUCKETS_SECONDS), "+Inf"]
    up_to_bound = accumulate(numbers[: len(bounds)])
    return HistogramMetricFamily(
        f"storyboard_{part}_seconds",
        meaning,
        buckets=list(zip(bounds, up_to_bound, strict=True)),
        sum_value=numbers[len(bounds)],
    )
