"""``run``."""

import sys

import click

from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.cli.assembly import Assembly, assembled_from, checked_settings
from storyboard_worker.cli.resources import check_resources
from storyboard_worker.resources.allocator import keep_freed_memory
from storyboard_worker.settings.reading import Settings
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.parts import Parts
from storyboard_worker.worker.vitals import Vitals
from storyboard_worker.worker.worker import Worker


@click.command("run")
def run_command() -> None:
    """Run the worker until SIGTERM or SIGINT.

    It claims rows as they become due, copies their images to Cloudinary and writes the
    outcome back. It waits for a database that is away, also at the start. After the first
    signal, attempts under way may end within SHUTDOWN_GRACE_SECONDS, and the others are given
    back; the second ends the process at once (exit 1). Exit 70: the worker found itself stuck.
    With PORT set it serves health, metrics and the cron route there. It raises its own limit of
    open files to what WORKER_CONCURRENCY needs, as far as the system allows.

    With PROCESSES above 1 so many worker processes share WORKER_CONCURRENCY, and one more serves
    PORT. Their parent passes signals on and starts a process that ends again, one that found
    itself stuck too; exit 70 does not occur then.
    """
    shutdown = Shutdown()
    with shutdown.on_signals():
        settings = checked_settings(uploads=True)
        keep_freed_memory()
        if settings.processes == 1:
            _run_one(settings, shutdown)
            return
        # Loaded only where there are several.
        from storyboard_worker.cli.several import run_several  # noqa: PLC0415

        sys.exit(run_several(settings, shutdown))


def _run_one(settings: Settings, shutdown: Shutdown) -> None:
    with assembled_from(settings) as parts:
        port = settings.port
        check_resources(parts, serves_http=port is not None)
        if port is None:
            worker_of(parts, shutdown, Vitals()).run()
            return
        # The HTTP side is loaded only where PORT is set.
        from storyboard_worker.cli.serving import Http  # noqa: PLC0415
        from storyboard_worker.web.server import listening_sockets  # noqa: PLC0415

        vitals = Vitals()
        http = Http(parts, listening_sockets(port), shutdown, vitals)
        worker = worker_of(parts, shutdown, vitals, http.attempt_ended)
        with http.serving():
            worker.run()


def worker_of(
    parts: Assembly,
    shutdown: Shutdown,
    vitals: Vitals,
    on_ended: OnEnded | None = None,
    predecessor: str | None = None,
) -> Worker:
    """A worker that fills ``vitals``, and calls ``on_ended`` with each attempt that is over.
    ``predecessor``: the id of the worker whose place it takes."""
    return Worker(
        Parts(
            worker_id=parts.worker_id,
            database=parts.database,
            queue=parts.queue,
            next_due=parts.next_due,
            register=parts.register,
            housekeeping=parts.housekeeping,
            attempts=parts.attempts,
            breakers=parts.breakers,
            restraint=parts.restraint,
            reporter=parts.reporter,
            vitals=vitals,
            on_ended=on_ended,
            predecessor=predecessor,
        ),
        parts.settings,
        shutdown,
    )
