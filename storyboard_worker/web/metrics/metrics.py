"""Metrics for Prometheus: counted as things happen, or read at each scrape.

Every name begins with ``storyboard_``. Labels have few values: outcomes, error codes, and the
kinds of upstream that are paused at the moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.application import route
from storyboard_worker.web.metrics.counts import AttemptCounts, CountsCollector
from storyboard_worker.web.metrics.facts import Facts, FactsCollector
from storyboard_worker.web.metrics.machine import OfAll, of_one

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class Processes:
    """The others that work beside this one: what they have counted, the process that is parent to
    all, and the ids of all its children at the moment."""

    counts: Sequence["memoryview[float]"]
    parent: int
    children: Callable[[], Sequence[int]]


class Metrics:
    """``look`` is called at each scrape, in the thread of its request. Without ``others`` this is
    the only process."""

    def __init__(
        self,
        version: str,
        look: Callable[[], Facts],
        counts: AttemptCounts,
        others: Processes | None = None,
    ) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        registry.register(CountsCollector([counts.numbers, *(others.counts if others else ())]))
        Info("storyboard_build", "The worker's version.", registry=registry).info(
            {"version": version}
        )
        registry.register(OfAll(others.parent, others.children) if others else of_one())
        registry.register(FactsCollector(look))

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
