"""Putting the parts of a prune together, for the two commands that prune."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

from storyboard_worker.cli.assembly import Assembly
from storyboard_worker.queries.departures import Departures
from storyboard_worker.queries.orphan_batches import OrphanBatches
from storyboard_worker.queries.orphans import Orphans
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.transfer.deletion import Deletion
from storyboard_worker.wire.transport import Transport
from storyboard_worker.worker.prune import Prune, Pruned
from storyboard_worker.worker.prune_patience import PrunePatience
from storyboard_worker.worker.pruning import Pruning


@contextmanager
def assembled_prune(
    parts: Assembly, shutdown: Shutdown, on_batch: Callable[[Pruned], None] = lambda _: None
) -> Iterator[Prune]:
    """Raises :class:`SettingsError` where Cloudinary is not set."""
    settings = parts.settings
    transport = Transport(
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
    )
    cloudinary = settings.require_cloudinary()
    departures = Departures(
        parts.database,
        folder=cloudinary.folder,
        # An image that was claimed ahead begins within its lease.
        longest_seconds=settings.lease_seconds + settings.attempt_timeout_seconds,
    )
    with closing(Deletion(transport, cloudinary)) as deletion:
        yield Prune(
            Orphans(parts.database),
            departures,
            OrphanBatches(parts.database),
            deletion,
            PrunePatience(shutdown),
            parts.changing,
            on_batch,
        )


@contextmanager
def assembled_pruning(
    parts: Assembly, shutdown: Shutdown, older_than: timedelta | None
) -> Iterator[Pruning | None]:
    """``None`` where ``older_than`` is. Raises as :func:`assembled_prune`."""
    if older_than is None:
        yield None
        return
    with assembled_prune(parts, shutdown) as prune:
        yield Pruning(prune, older_than, parts.alarms)
