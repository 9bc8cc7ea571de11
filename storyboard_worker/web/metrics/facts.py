"""Facts that are read at each scrape."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


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


class FactsCollector(Collector):
    """``look`` is called at each scrape, in the thread of its request."""

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
