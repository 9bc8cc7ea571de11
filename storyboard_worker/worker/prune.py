"""Deletes stored pictures that no row has shown for a while, oldest first, batch by batch.

It may be stopped or killed at any moment. What is gone leaves the list, what is not stays for the
next run. Safe beside workers and beside another prune.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from storyboard_worker.database.patience import Insist
from storyboard_worker.errors import AttemptError
from storyboard_worker.queries.departures import Departures
from storyboard_worker.queries.orphan_batches import Batch, OrphanBatches
from storyboard_worker.queries.orphans import Orphan, Orphans
from storyboard_worker.transfer.deletion import MOST_IDS, Deletion, Fate
from storyboard_worker.worker.prune_patience import GivenUp, PrunePatience, given_up

# To look for so many in all rows takes hardly longer than to look for one.
LOOKED_FOR_AT_ONCE = 10_000
# A batch with an id that Cloudinary cannot take is halved until it is found. Calls are limited.
MOST_REFUSED_CALLS = 100
BAD_REQUEST = 400


@dataclass(slots=True)
class Pruned:
    """What a prune did.

    ``deleted`` pictures were there, ``not_found`` were not. ``kept`` are shown by a row, or their
    row may upload them again at any moment. ``left`` would have been deleted, and wait for the next
    run; ``reason`` says why. ``is_fault``: a person has to do something about it. ``under_way``
    attempts, whose rows are gone or have another image, may still store a picture; they are over
    in ``over_in_seconds``.
    """

    deleted: int = 0
    not_found: int = 0
    kept: int = 0
    left: int = 0
    reason: str | None = None
    is_fault: bool = False
    under_way: int = 0
    over_in_seconds: int = 0

    @property
    def gone(self) -> int:
        return self.deleted + self.not_found


class Prune:
    """``insist`` makes each exchange with the database. ``on_batch`` is called with what has been
    done, after each batch."""

    def __init__(
        self,
        orphans: Orphans,
        departures: Departures,
        batches: OrphanBatches,
        deletion: Deletion,
        patience: PrunePatience,
        insist: Insist,
        on_batch: Callable[[Pruned], None] = lambda _: None,
    ) -> None:
        self._orphans = orphans
        self._departures = departures
        self._batches = batches
        self._deletion = deletion
        self._patience = patience
        self._insist = insist
        self._on_batch = on_batch
        self._refused_calls = 0
        self._kept_on_list = 0
        self.pruned = Pruned()

    def run(self, older_than: timedelta, ends_at: float) -> Pruned:
        """Delete what has been listed for so long, until ``ends_at`` on the monotonic clock.

        Raises :class:`DatabaseUnavailable`; then :attr:`pruned` tells what was done before.
        """
        self.pruned = Pruned()
        until = self._insist(partial(self._orphans.moment_ago, older_than))
        self._insist(self._departures.list_over)
        try:
            with self._patience.until(ends_at):
                for some in windows(self._orphans, self._insist, until):
                    self._patience.check()
                    self._prune(self._without_shown(some))
        except GivenUp as error:
            self._note(error)
        listed = self._insist(partial(self._orphans.count, until))
        self.pruned.left = max(0, listed - self._kept_on_list)
        if not self.pruned.left:
            self.pruned.reason, self.pruned.is_fault = None, False
        self._count_under_way(until)
        return self.pruned

    def _count_under_way(self, until: datetime) -> None:
        found = self._insist(partial(self._departures.under_way, until))
        self.pruned.under_way = found.count
        self.pruned.over_in_seconds = math.ceil(found.seconds)

    def _without_shown(self, some: Sequence[Orphan]) -> list[Orphan]:
        shown = self._insist(partial(self._orphans.shown, [one.public_id for one in some]))
        if shown:
            # A trigger lists them again when their row shows them no more.
            mistaken = [one for one in some if one.public_id in shown]
            self._insist(partial(self._orphans.take_off, mistaken))
            self.pruned.kept += len(mistaken)
        return [one for one in some if one.public_id not in shown]

    def _prune(self, some: Sequence[Orphan]) -> None:
        waiting = deque(some[start : start + MOST_IDS] for start in range(0, len(some), MOST_IDS))
        while waiting:
            batch = waiting.popleft()
            try:
                self._prune_batch(batch)
            except AttemptError as error:
                if error.http_status != BAD_REQUEST:
                    raise given_up(error) from error
                self._refused_calls += 1
                if self._refused_calls == MOST_REFUSED_CALLS:
                    raise given_up(error) from error
                if len(batch) == 1:
                    told = f"{error.message} (public id {batch[0].public_id})"
                    self._note(GivenUp(told, is_fault=True))
                else:
                    half = len(batch) // 2
                    waiting.extendleft([batch[half:], batch[:half]])
            self._on_batch(self.pruned)

    def _prune_batch(self, some: Sequence[Orphan]) -> None:
        fates: dict[str, Fate] = {}

        def delete(public_ids: list[str]) -> set[str]:
            found = self._deletion.delete(public_ids, self._patience.deadline())
            for public_id in found.keys() & set(public_ids):
                fates.setdefault(public_id, found[public_id])
            if missing := len(set(public_ids) - found.keys()):
                self._note(GivenUp(f"Cloudinary does not say what became of {missing} picture(s)"))
            return set(fates)

        try:
            done = self._patience.tried(lambda: self._once(some, delete))
        finally:
            # What is deleted is deleted, even if the database goes away then.
            self.pruned.deleted += list(fates.values()).count(Fate.DELETED)
            self.pruned.not_found += list(fates.values()).count(Fate.NOT_FOUND)
        self.pruned.kept += len(done.kept)
        self._kept_on_list += len(done.kept)

    def _once(
        self, some: Sequence[Orphan], delete: Callable[[list[str]], set[str]]
    ) -> Batch | None:
        done = self._insist(lambda: self._batches.delete(some, delete))
        return done if done.is_alone else None

    def _note(self, error: GivenUp) -> None:
        self.pruned.reason = str(error)
        self.pruned.is_fault = self.pruned.is_fault or error.is_fault


def windows(orphans: Orphans, insist: Insist, until: datetime) -> Iterator[list[Orphan]]:
    """All that were listed ``until`` this moment, so many at once as are looked for together."""
    after = None
    while some := insist(partial(orphans.some, until, after, LOOKED_FOR_AT_ONCE)):
        yield some
        after = some[-1]
