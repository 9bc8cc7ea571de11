"""Metrics for Prometheus: counted as things happen, or read at each scrape.

Every name begins with ``storyboard_``. Labels have few values: outcomes, error codes, and the
kinds of upstream that are paused at the moment.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.errors import ErrorCode
from storyboard_worker.web.application import route

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """Counts of the table; ``failed`` by error code."""

    waiting: int
    oldest_waiting_seconds: float
    processing: int
    ready: int
    failed: Mapping[str, int]
    expiring_soon: int
    workers_alive: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read at a scrape; ``table`` is ``None`` when the database does not answer."""

    table: TableFacts | None
    database_errors: int
    pauses_begun: int
    paused_seconds: Mapping[str, float]
    loop_silent_seconds: float
    slots: int
    slots_taken: int
    listening: bool
    max_waiting: int
    max_wait_seconds: float


class Metrics:
    """``look`` is called at each scrape, in the thread of its request."""

    def __init__(
        self,
        version: str,
        look: Callable[[], Facts],
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self._registry = registry
        self._attempts = Counter(
            "storyboard_attempts", "Attempts that are over.", ["outcome"], registry=registry
        )
        self._errors = Counter(
            "storyboard_attempt_errors",
            "Attempts that ended with an error.",
            ["error_code"],
            registry=registry,
        )
        # What has not happened yet is 0, so that the first time shows as one more.
        for outcome in Outcome:
            self._attempts.labels(str(outcome))
        for code in ErrorCode:
            self._errors.labels(str(code))
        self._lost = Counter(
            "storyboard_leases_lost", "Rows that were taken away in an attempt.", registry=registry
        )
        self._bytes = Counter(
            "storyboard_copied_bytes", "Bytes of images that became ready.", registry=registry
        )
        self._whole = self._histogram("attempt", "How long attempts took.")
        self._source = self._histogram("source", "The wait for the source's first byte.")
        self._storage = self._histogram("storage", "From the last byte sent to the answer.")
        Info("storyboard_build", "The worker's version.", registry=registry).info(
            {"version": version}
        )
        ProcessCollector(namespace="storyboard", registry=registry)
        registry.register(_ReadAtScrape(look))

    def _histogram(self, part: str, meaning: str) -> Histogram:
        return Histogram(
            f"storyboard_{part}_seconds", meaning, buckets=BUCKETS_SECONDS, registry=self._registry
        )

    def attempt_ended(self, ended: Ended) -> None:
        """To be called with each attempt that is over, from any thread."""
        self._attempts.labels(str(ended.outcome)).inc()
        self._whole.observe(ended.seconds)
        if ended.error is not None:
            self._errors.labels(str(ended.error.code)).inc()
        if ended.outcome is Outcome.LEASE_LOST:
            self._lost.inc()
        timings = ended.timings
        if timings.source_seconds is not None:
            self._source.observe(timings.source_seconds)
        if timings.storage_seconds is not None:
            self._storage.observe(timings.storage_seconds)
        if ended.outcome is Outcome.READY and timings.length_bytes:
            self._bytes.inc(timings.length_bytes)

    def text(self) -> bytes:
        """All metrics, in :data:`CONTENT_TYPE`."""
        return generate_latest(self._registry)

    @property
    def routes(self) -> list[Rule]:
        """The route that Prometheus scrapes."""

        def scrape(_request: Request) -> Response:
            response = Response(self.text())
            response.headers["Content-Type"] = CONTENT_TYPE
            return response

        return [route("/metrics", scrape, "GET")]


class _ReadAtScrape(Collector):
    def __init__(self, look: Callable[[], Facts]) -> None:
        self._look = look

    def describe(self) -> list[Metric]:
        """Nothing: otherwise the registry would read the table only to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        facts = self._look()
        yield _gauge("database_up", "Whether the database answers.", facts.table is not None)
        yield CounterMetricFamily(
            "storyboard_database_errors",
            "Transactions that failed because the database was away or not migrated.",
            facts.database_errors,
        )
        if facts.table is not None:
            yield from _of_table(facts.table)
        yield from _of_process(facts)


def _of_table(table: TableFacts) -> Iterator[Metric]:
    yield _gauge("waiting", "Rows that wait.", table.waiting)
    yield _gauge(
        "oldest_waiting_seconds",
        "How long the longest-waiting row has been due.",
        table.oldest_waiting_seconds,
    )
    yield _gauge("processing", "Rows that a worker holds.", table.processing)
    yield _gauge("ready", "Rows that are ready.", table.ready)
    yield _labelled("failed", "Rows that have failed.", "error_code", table.failed)
    yield _gauge(
        "expiring_soon", "Unfinished rows whose link dies within two hours.", table.expiring_soon
    )
    yield _gauge("workers_alive", "Workers that are alive.", table.workers_alive)


def _of_process(facts: Facts) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "storyboard_pauses", "Pauses of upstreams begun so far.", facts.pauses_begun
    )
    yield _labelled(
        "upstream_paused_seconds",
        "For how long this worker will not ask Cloudinary, or a source.",
        "upstream",
        facts.paused_seconds,
    )
    yield _gauge(
        "loop_silent_seconds",
        "How long the claim loop has shown no progress.",
        facts.loop_silent_seconds,
    )
    yield _gauge("slots", "Attempts that this worker may make at once.", facts.slots)
    yield _gauge("slots_taken", "Attempts under way.", facts.slots_taken)
    yield _gauge(
        "listening", "Whether notifications arrive; without them the worker polls.", facts.listening
    )
    yield _gauge("health_max_waiting", "HEALTH_MAX_WAITING.", facts.max_waiting)
    yield _gauge("health_max_wait_seconds", "HEALTH_MAX_WAIT_SECONDS.", facts.max_wait_seconds)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"storyboard_{name}", meaning, float(value))


def _labelled(
    name: str, meaning: str, label: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"storyboard_{name}", meaning, labels=[label])
    for value_of_label, value in sorted(values.items()):
        family.add_metric([value_of_label], value)
    return family
