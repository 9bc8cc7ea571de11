"""``run``."""

import click

from storyboard_worker.cli.assembly import assembled
from storyboard_worker.shutdown import Shutdown
from storyboard_worker.worker.loop import Parts, Worker


@click.command("run")
def run_command() -> None:
    """Run the worker until SIGTERM or SIGINT.

    It claims rows as they become due, copies their images to Cloudinary and writes the
    outcome back. A database that is away is waited for, at the start, too. The first signal
    lets attempts under way end within SHUTDOWN_GRACE_SECONDS and gives the others back; the
    second ends the process at once (exit 1). Exit 70: the worker found itself stuck.
    """
    shutdown = Shutdown()
    with shutdown.on_signals(), assembled(uploads=True) as parts:
        worker = Worker(
            Parts(
                worker_id=parts.worker_id,
                database=parts.database,
                queue=parts.queue,
                outlook=parts.outlook,
                register=parts.register,
                housekeeping=parts.housekeeping,
                attempts=parts.attempts,
                pauses=parts.pauses,
                reporter=parts.reporter,
            ),
            parts.settings,
            shutdown,
        )
        worker.run()
