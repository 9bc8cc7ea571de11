"""What several processes inherit from their parent."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from storyboard_worker.attempts.outcome import OnEnded
from storyboard_worker.cli.assembly import Assembly
from storyboard_worker.settings.reading import Settings
from storyboard_worker.worker.processes.children import Death
from storyboard_worker.worker.processes.lifeline import Lifeline
from storyboard_worker.worker.processes.records import Record
from storyboard_worker.worker.watchdog import EXIT_STUCK

PROCESS_DIED = "process_died"


@dataclass(frozen=True, slots=True)
class Inherited:
    """``records`` are those of the workers, and then that of the HTTP process, if there is one. It
    serves on ``sockets``, and ``counting`` says how a worker counts its attempts for it.

    ``parent`` ends with the parent, ``workers`` already when all workers have ended.
    """

    settings: Settings
    records: Sequence[Record]
    sockets: Sequence[socket.socket] = ()
    counting: Callable[[Record], OnEnded] | None = None
    parent: Lifeline = field(default_factory=Lifeline)
    workers: Lifeline = field(default_factory=Lifeline)

    def hold(self) -> None:
        """To be called first in a new process."""
        self.parent.hold()
        self.workers.hold()


def tell_of_death(parts: Assembly, died: Death | None) -> None:
    """Report the end of the process whose place this one takes. One that found itself stuck has
    reported that itself."""
    if died is None or died.code == EXIT_STUCK:
        return
    parts.reporter.alarm(
        PROCESS_DIED,
        f"A process of the worker ended by itself ({died.how}); another has taken its place",
        next_step="look at its log before that, and at the memory of the container",
        ended=died.how,
        lived_seconds=round(died.lived_seconds),
    )
