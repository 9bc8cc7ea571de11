"""The two neighbours of the dispatcher, without a database and with attempts that never end."""

from collections.abc import Collection
from threading import Event
from typing import NoReturn

from storyboard_worker.storyboard import Claim, Group
from storyboard_worker.worker.slots import Slots
from tests.support.attempts import HOST, new_claim


class Backlog:
    """Holds so many due rows in each group, and notes in ``asked`` what it was asked for."""

    def __init__(self, new: int = 0, tried: int = 0, lost: int = 0) -> None:
        self.due = {Group.NEW: new, Group.TRIED: tried, Group.LOST: lost}
        self.asked: list[tuple[str, int]] = []
        self.probes_of: list[str | None] = []

    def claim(self, limit: int, *, without_upstreams: Collection[str], group: Group) -> list[Claim]:
        self.asked.append((group, limit))
        return [] if HOST in without_upstreams else self._take(limit, group)

    def claim_probes(
        self,
        limit: int,
        *,
        upstream: str | None,
        without_upstreams: Collection[str],
        only_new: bool,
        one_lost: bool,
    ) -> list[Claim]:
        self.asked.append(("probe", limit))
        self.probes_of.append(upstream)
        if HOST in without_upstreams:
            return []
        claims = self._take(limit, Group.NEW)
        if only_new:
            return claims
        claims += self._take(limit - len(claims), Group.TRIED)
        return claims or self._take(int(one_lost), Group.LOST)

    def _take(self, limit: int, group: Group) -> list[Claim]:
        count = min(limit, self.due[group])
        self.due[group] -= count
        return [_claim_of(group) for _ in range(count)]


def _claim_of(group: Group) -> Claim:
    claim = new_claim(attempt=1 if group is Group.NEW else 2)
    return claim if group is not Group.LOST else _lost(claim)


def _lost(claim: Claim) -> Claim:
    return Claim(
        claim.id, claim.token, claim.source_url, claim.attempt, None, None, 0.0, workers_lost=1
    )


class _NeverEnding:
    """Attempts that stay under way."""

    def work(self, *_: object) -> NoReturn:
        Event().wait()
        raise AssertionError


def slots_that_stay_taken(count: int) -> Slots:
    return Slots(
        _NeverEnding(),  # type: ignore[arg-type]
        count=count,
        attempt_timeout_seconds=60,
        on_worked=lambda _worked: None,
    )
