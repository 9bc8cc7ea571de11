"""What the metrics read at each scrape."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.database import Database
from storyboard_worker.errors import (
    STORAGE_UPSTREAM,
    DatabaseUnavailable,
    ErrorCode,
    SchemaOutdated,
)
from storyboard_worker.settings.reading import Settings
from storyboard_worker.web.health import Table
from storyboard_worker.web.metrics.facts import Facts, TableFacts
from storyboard_worker.worker.vitals import Vitals

# What metrics call every source.
SOURCE_KIND = "source"


@dataclass(frozen=True, slots=True)
class Scraping:
    """``databases`` are those of this process; ``vitals`` tell of the others, where there are
    some. ``table`` and ``failures`` may raise what a database raises."""

    settings: Settings
    vitals: Vitals
    breakers: Breakers
    databases: Iterable[Database]
    table: Callable[[], Table]
    failures: Callable[[], Mapping[str, int]]

    def facts(self) -> Facts:
        vitals, settings, breakers = self.vitals, self.settings, self.breakers
        # Where this fails, it is one of the errors.
        table = self._table_facts()
        return Facts(
            table=table,
            database_errors=sum(database.errors for database in self.databases)
            + vitals.database_errors,
            pauses_begun=breakers.begun + vitals.pauses_begun,
            paused_seconds=_by_kind([breakers.paused_seconds(), vitals.paused_seconds()]),
            loop_silent_seconds=vitals.silent_seconds,
            slots=settings.worker_concurrency,
            slots_taken=vitals.slots_taken,
            listening=vitals.listening,
            max_waiting=settings.health_max_waiting,
            max_wait_seconds=settings.health_max_wait_seconds,
        )

    def _table_facts(self) -> TableFacts | None:
        try:
            table, failed = self.table(), self.failures()
        except (DatabaseUnavailable, SchemaOutdated):
            return None
        counts = table.counts
        known = dict.fromkeys(map(str, ErrorCode), 0)
        return TableFacts(
            waiting=counts.waiting,
            oldest_waiting_seconds=counts.oldest_waiting_seconds,
            processing=counts.processing,
            ready=counts.ready,
            failed=known | {code: count for code, count in failed.items() if code in known},
            expiring_soon=counts.expiring_soon,
            workers_alive=len(table.workers),
        )


def _by_kind(all_paused: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The longest pause of each kind of upstream. Metrics are public, so they name no host."""
    longest: dict[str, float] = {}
    for paused_seconds in all_paused:
        for upstream, seconds in paused_seconds.items():
            kind = upstream if upstream == STORAGE_UPSTREAM else SOURCE_KIND
            longest[kind] = max(seconds, longest.get(kind, 0.0))
    return longest
