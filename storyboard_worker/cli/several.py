"""``run`` with PROCESSES above 1: worker processes and one for HTTP, under one parent."""

import gc
from dataclasses import replace
from functools import partial

from storyboard_worker.cli.assembly import database_of, set_up_log
from storyboard_worker.cli.exits import Exit
from storyboard_worker.cli.inherited import Inherited
from storyboard_worker.cli.resources import check_descriptors
from storyboard_worker.cli.worker_process import work_as_worker
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.processes.posts import Post
from storyboard_worker.worker.processes.records import new_records
from storyboard_worker.worker.processes.shares import shares
from storyboard_worker.worker.processes.signals import Signals
from storyboard_worker.worker.processes.supervisor import Supervisor


def run_several(settings: Settings, shutdown: Shutdown) -> int:
    """The exit code, once all have ended. This process becomes their parent: it has no threads,
    and neither a connection nor a report of its own, which a fork would break.

    Raises :class:`SettingsError` before any process is started.
    """
    set_up_log(settings)
    with database_of(settings) as dsn:
        check_descriptors(settings, serves_http=settings.port is not None)
        posts = _posts(replace(settings, database_dsn=dsn))
        # What exists now is never collected, so that its memory stays shared with the processes.
        gc.collect()
        gc.freeze()
        signals = Signals()
        if shutdown.requested:
            return Exit.DONE
        return Supervisor(posts, signals, grace_seconds=settings.shutdown_grace_seconds).run()


def _posts(settings: Settings) -> list[Post]:
    if settings.port is None:
        return _worker_posts(Inherited(settings, new_records(settings.processes, counts=0)))
    # The HTTP side is loaded only where PORT is set.
    from storyboard_worker.cli.http_process import count_in, http_post  # noqa: PLC0415
    from storyboard_worker.web.metrics.counts import PLACES  # noqa: PLC0415
    from storyboard_worker.web.server import listening_sockets  # noqa: PLC0415

    inherited = Inherited(
        settings,
        new_records(settings.processes + 1, counts=PLACES),
        listening_sockets(settings.port),
        count_in,
    )
    return [*_worker_posts(inherited), http_post(inherited)]


def _worker_posts(inherited: Inherited) -> list[Post]:
    settings = inherited.settings
    return [
        Post(
            f"worker {number}",
            partial(work_as_worker, inherited, record, replace(settings, worker_concurrency=slots)),
            on_death=record.end,
        )
        for number, (slots, record) in enumerate(
            zip(
                shares(settings.worker_concurrency, settings.processes),
                inherited.records,
                strict=False,
            ),
            1,
        )
    ]
