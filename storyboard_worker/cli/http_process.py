"""The process that serves HTTP beside several worker processes; loaded only where PORT is set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.cli.assembly import Assembly, assembled_from
from storyboard_worker.cli.ending import exit_code_of
from storyboard_worker.cli.inherited import Inherited, tell_of_death
from storyboard_worker.cli.resources import check_spool
from storyboard_worker.cli.serving import Http
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.web.metrics.counts import AttemptCounts
from storyboard_worker.web.metrics.metrics import Processes
from storyboard_worker.worker.grace import Grace
from storyboard_worker.worker.keeper import RENEWALS_PER_LEASE, Keeper
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.observing import ObservedVitals
from storyboard_worker.worker.processes.posts import Post
from storyboard_worker.worker.processes.records import Field, Record
from storyboard_worker.worker.processes.stop_watcher import watch_for_stop


def count_in(record: Record) -> OnEnded:
    """How a worker process counts its attempts, for the metrics of all."""
    return AttemptCounts(record.counts).attempt_ended


def http_post(inherited: Inherited) -> Post:
    """It serves until all workers have ended, because a platform asks for health up to then."""
    return Post(
        "http",
        partial(work_as_server, inherited),
        on_death=inherited.records[-1].end,
        release=inherited.workers.cut,
    )


def work_as_server(inherited: Inherited, shutdown: Shutdown, before: Death | None) -> int:
    """The exit code of the process. ``before`` is the death of the one whose place it takes."""

    def work() -> None:
        inherited.records[-1].begin()
        inherited.hold()
        watch_for_stop(shutdown, inherited.parent)
        with assembled_from(inherited.settings) as parts:
            tell_of_death(parts, before)
            check_spool(parts)
            with (
                _stopping_in_time(parts, shutdown),
                _keeping(parts),
                _http(inherited, parts, shutdown).serving(),
            ):
                inherited.workers.wait_for_end()

    return exit_code_of(work)


def _http(inherited: Inherited, parts: Assembly, shutdown: Shutdown) -> Http:
    *workers, own = inherited.records

    def running() -> list[int]:
        pids = [int(record.numbers[Field.PID]) for record in inherited.records]
        return [pid for pid in pids if pid]

    return Http(
        parts,
        inherited.sockets,
        shutdown,
        ObservedVitals(workers),
        AttemptCounts(own.counts),
        Processes([worker.counts for worker in workers], os.getppid(), running),
    )


@contextmanager
def _stopping_in_time(parts: Assembly, shutdown: Shutdown) -> Iterator[None]:
    grace = Grace(parts.settings.shutdown_grace_seconds)
    grace.start()
    with shutdown.calling(grace.begin):
        yield
    grace.over()


@contextmanager
def _keeping(parts: Assembly) -> Iterator[None]:
    """What the keepers of a worker do for the work of requests beside it."""
    keeper = Keeper(
        [parts.queue.give_back_lost, parts.attempts.tell_news, parts.reporter.tell_summaries],
        interval_seconds=parts.settings.lease_seconds / RENEWALS_PER_LEASE,
    )
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()
