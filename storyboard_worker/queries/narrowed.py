"""Which rows of the backlog a claim is about."""

from dataclasses import dataclass
from typing import Any

from storyboard_worker.queries.claim_statements import ClaimFilter
from storyboard_worker.storyboard import Group


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which rows are claimed: of one group, without those of the upstreams ``avoided``, or of one
    ``upstream`` alone."""

    group: Group
    avoided: tuple[str, ...] = ()
    upstream: str | None = None

    def values(self) -> dict[str, Any]:
        avoided = {"avoided": list(self.avoided)} if self.avoided else {}
        return avoided if self.upstream is None else {**avoided, "upstream": self.upstream}

    def filter(self, *, passing_over: bool) -> ClaimFilter:
        return ClaimFilter(
            self.group,
            avoiding=bool(self.avoided),
            at_upstream=self.upstream is not None,
            passing_over=passing_over,
        )
