"""What a prune would delete now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from storyboard_worker.database.patience import Insist
from storyboard_worker.queries.orphan_batches import OrphanBatches
from storyboard_worker.queries.orphans import Orphan, Orphans
from storyboard_worker.transfer.deletion import MOST_IDS
from storyboard_worker.worker.prune import windows

EXAMPLES = 10


@dataclass(slots=True)
class Preview:
    """``left`` pictures would be deleted, the oldest an orphan since ``oldest``; ``public_ids`` are
    the first of them. ``kept`` would stay, as in :class:`~storyboard_worker.worker.prune.Pruned`.
    """

    left: int = 0
    kept: int = 0
    oldest: datetime | None = None
    public_ids: list[str] = field(default_factory=list)


def preview(
    orphans: Orphans, batches: OrphanBatches, insist: Insist, older_than: timedelta
) -> Preview:
    """Changes nothing. ``insist`` makes each exchange with the database."""
    found = Preview()
    until = insist(partial(orphans.moment_ago, older_than))
    for some in windows(orphans, insist, until):
        shown = insist(partial(orphans.shown, [one.public_id for one in some]))
        for start in range(0, len(some), MOST_IDS):
            batch = some[start : start + MOST_IDS]
            kept = shown | insist(partial(batches.kept, [one.public_id for one in batch]))
            _add(found, batch, kept)
    return found


def _add(found: Preview, batch: Sequence[Orphan], kept: set[str]) -> None:
    free = [one for one in batch if one.public_id not in kept]
    found.kept += len(batch) - len(free)
    found.left += len(free)
    found.public_ids += [one.public_id for one in free][: EXAMPLES - len(found.public_ids)]
    if found.oldest is None and free:
        found.oldest = free[0].orphaned_at
